"""The body of an answer as it comes: in one coding at most, unpacked in pieces, never longer than it may be."""

import zlib
from collections.abc import Iterator

import httpx2

ACCEPTED_CODING = "gzip"
"""What a request says of the codings that are read, besides none at all."""

PIECE_BYTES = 2**18
"""More at once would keep everything else waiting for longer than some milliseconds."""


class BodyRefused(httpx2.RequestError):
    """A body that is too long, or packed otherwise than was asked for; the text says why in a sentence."""

    status: int | None = None


class Body:
    """One body. most: how many bytes it may have, packed and unpacked. Raises `BodyRefused`.

    httpx2 would unpack as many layers as an answer names, each a thousand times as long as the one below.
    """

    def __init__(self, content_coding: str | None, most: int) -> None:
        coding = (content_coding or "").strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise BodyRefused("Its body is packed in another way than was asked for.")
        self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding.endswith("gzip") else None
        self._most = most
        self._came = self._given = 0

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What is in the next chunk, in pieces of `PIECE_BYTES` at most where it was packed."""
        self._came += len(chunk)
        self._check(self._came)
        for piece in (chunk,) if self._unpack is None else self._unpacked(chunk):
            self._given += len(piece)
            self._check(self._given)
            yield piece

    def end(self) -> None:
        """No more comes."""
        if self._unpack is not None and self._came and not self._unpack.eof:
            raise BodyRefused("Its body cannot be unpacked.")

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        assert self._unpack is not None  # noqa: S101 - for the type checker
        try:
            while piece := self._unpack.decompress(chunk, PIECE_BYTES):
                yield piece
                chunk = self._unpack.unconsumed_tail
        except zlib.error:
            raise BodyRefused("Its body cannot be unpacked.") from None
        if self._unpack.unused_data:
            raise BodyRefused("Something follows its packed body.")

    def _check(self, length: int) -> None:
        if length > self._most:
            raise BodyRefused(f"It is longer than {self._most // 2**20} MiB.")
