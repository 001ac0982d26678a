"""An OpenAI-compatible service as a back end: form of the requests, replies, whom to talk to."""

from qc_runtime.endpoint.backend import EndpointBackend

__all__ = ["EndpointBackend"]
