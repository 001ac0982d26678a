"""Object storage on 127.0.0.1: as much of S3 as reading and writing datasets takes."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class Bucket:
    """Objects by key; ``uploads`` are not complete yet; ``asked``: what was requested."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def address(self, path: str) -> str:
        options = f"scheme=http&endpoint_override=127.0.0.1:{self.port}&region=us-east-1"
        return f"s3://data/{path}?{options}"


@contextmanager
def object_storage() -> Iterator[Bucket]:
    """One bucket, ``data``."""
    bucket = Bucket()

    class Handler(_Handler):
        held = bucket

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bucket.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    held: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def _begin(self) -> tuple[str, dict[str, str]]:
        url = urlsplit(self.path)
        key = unquote(url.path).removeprefix("/data").removeprefix("/")
        query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        self.held.asked.append(f"{self.command} {key}")
        return key, query

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b"".join(self._chunks())
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return data
        found = b""
        while data:
            head, _, data = data.partition(b"\r\n")
            size = int(head.partition(b";")[0], 16)
            if not size:
                break
            found, data = found + data[:size], data[size + 2 :]
        return found

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, code: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _xml(self, text: str) -> None:
        self._send(200, f'<?xml version="1.0"?>{text}'.encode(), Content_Type="application/xml")

    def do_HEAD(self) -> None:
        key, _ = self._begin()
        data = self.held.objects.get(key)
        if data is None:
            self._send(404 if key else 200)
        else:
            self._send(200, Content_Length=str(len(data)), **_about(data))

    def do_GET(self) -> None:
        key, query = self._begin()
        if "list-type" in query:
            self._xml(self._listed(query.get("prefix", ""), query.get("delimiter", "")))
        elif (data := self.held.objects.get(key)) is None:
            self._send(404)
        elif asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            low, high = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            part = f"bytes {low}-{high}/{len(data)}"
            self._send(206, data[low : high + 1], Content_Range=part, **_about(data))
        else:
            self._send(200, data, **_about(data))

    def do_PUT(self) -> None:
        key, query = self._begin()
        data = self._body()
        if "uploadId" in query:
            self.held.uploads[query["uploadId"]][int(query["partNumber"])] = data
        else:
            self.held.objects[key] = data
        self._send(200, ETag=_about(data)["ETag"])

    def do_POST(self) -> None:
        key, query = self._begin()
        self._body()
        if "uploads" in query:
            name = uuid.uuid4().hex
            self.held.uploads[name] = {}
            self._xml(
                f"<InitiateMultipartUploadResult><Bucket>data</Bucket><Key>{escape(key)}</Key>"
                f"<UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
            )
            return
        parts = self.held.uploads.pop(query["uploadId"])
        self.held.objects[key] = b"".join(parts[number] for number in sorted(parts))
        self._xml(
            f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key><ETag>x</ETag>"
            "</CompleteMultipartUploadResult>"
        )

    def do_DELETE(self) -> None:
        key, _ = self._begin()
        self.held.objects.pop(key, None)
        self._send(204)

    def _listed(self, prefix: str, delimiter: str) -> str:
        found, folders = [], dict[str, None]()
        for key in sorted(key for key in self.held.objects if key.startswith(prefix)):
            head, mark, _ = key[len(prefix) :].partition(delimiter or "\0")
            if mark:
                folders[prefix + head + mark] = None
            else:
                found.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.held.objects[key])}</Size>"
            "<LastModified>2025-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in found
        )
        common = "".join(
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in folders
        )
        return (
            f"<ListBucketResult><Name>data</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<KeyCount>{len(found) + len(folders)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>false</IsTruncated>{contents}{common}</ListBucketResult>"
        )


def _about(data: bytes) -> dict[str, str]:
    etag = md5(data, usedforsecurity=False).hexdigest()
    return {"ETag": f'"{etag}"', "Last_Modified": formatdate(1735689600, usegmt=True)}
