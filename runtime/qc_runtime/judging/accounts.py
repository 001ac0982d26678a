"""What every rule came to for every record: counted, and made to add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum


class AccountingError(RuntimeError):
    """The outcomes do not account for the records: a fault of the program, never the user's."""


class Account(IntEnum):
    """What a rule came to for a record; of several rows the highest counts.

    ``EXEMPT``: it did not apply, or could not matter. ``DECIDED``: it spoke, or was met.
    """

    EXEMPT = 0
    DECIDED = 1
    DATA_MISSING = 2
    NEEDS_REVIEW = 3
    PENDING = 4
    ERROR = 5


ORDER = (
    Account.DECIDED,
    Account.EXEMPT,
    Account.DATA_MISSING,
    Account.NEEDS_REVIEW,
    Account.PENDING,
    Account.ERROR,
)


class Accounts:
    """One `Account` for each rule and record, a byte each."""

    def __init__(self, rules: Sequence[str], records: int) -> None:
        self.rules, self.records = tuple(rules), records
        self._of = [bytearray(records) for _ in rules]

    def raise_to(self, rule: int, record: int, account: Account) -> None:
        """Note what a rule came to for a record (or for one more of its rows)."""
        row = self._of[rule]
        row[record] = max(row[record], account)

    def raise_all(self, rule: int, records: Iterable[int], account: Account) -> None:
        """The same for many records."""
        row, code = self._of[rule], int(account)
        for record in records:
            row[record] = max(row[record], code)

    def all_of(self, record: int, account: Account) -> None:
        """Every rule came to this for a record."""
        for row in self._of:
            row[record] = account

    def worst(self, record: int, rules: Iterable[int]) -> Account:
        """The highest account of some rules for a record."""
        return Account(max((self._of[rule][record] for rule in rules), default=0))

    def having(self, record: int, account: Account) -> tuple[str, ...]:
        """The rules that came to this for a record."""
        pairs = zip(self.rules, self._of, strict=True)
        return tuple(rule for rule, row in pairs if row[record] == account)

    def counts(self, among: Sequence[int] | None = None) -> Iterator[tuple[str, dict[str, int]]]:
        """For each rule how many records (all, or these) came to what.

        Raises `AccountingError` where they do not add up to the records.
        """
        records = self.records if among is None else len(among)
        for rule, row in zip(self.rules, self._of, strict=True):
            some = row if among is None else bytes(map(row.__getitem__, among))
            found = {account.name.lower(): some.count(account) for account in ORDER}
            if sum(found.values()) != records or len(row) != self.records:
                raise AccountingError(f"rule {rule}: {found} are not {records} records")
            yield rule, found
