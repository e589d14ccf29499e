"""The few requests to S3 that the library for bytes does not make: uploads begun and never finished, found and ended.

Signed by hand, as https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html says.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx

_EMPTY = hashlib.sha256(b"").hexdigest()
_PATIENCE_S = 30.0
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload in parts that is not finished."""

    key: str
    upload: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class S3Requests:
    """Requests to one bucket, whose address is `url`, in the name of whoever has the keys. Raises httpx.HTTPError."""

    url: str
    region: str
    access_key: str
    secret_key: str
    ca: str = ""

    def begun(self, prefix: str) -> Iterator[list[Begun]]:
        """The unfinished uploads under keys that begin so, a page at a time."""
        marks: dict[str, str] = {}
        while True:
            query = {"uploads": "", "prefix": prefix, "max-uploads": str(_PAGE), **marks}
            found = _plain_tags(ET.fromstring(self._send("GET", "", query).content))  # noqa: S314  (the storage's own)
            yield [
                Begun(
                    one.findtext("Key", ""),
                    one.findtext("UploadId", ""),
                    _moment(one.findtext("Initiated", "")),
                )
                for one in found.iter("Upload")
            ]
            if found.findtext("IsTruncated") != "true":
                return
            marks = {
                "key-marker": found.findtext("NextKeyMarker", ""),
                "upload-id-marker": found.findtext("NextUploadIdMarker", ""),
            }

    def abort(self, begun: Begun) -> None:
        """Forget the parts of an unfinished upload."""
        self._send("DELETE", begun.key, {"uploadId": begun.upload}, may_be_gone=True)

    def _send(
        self, method: str, key: str, query: Mapping[str, str], *, may_be_gone: bool = False
    ) -> httpx.Response:
        at = datetime.now(UTC)
        url = urlsplit(self.url)
        path = quote(f"{url.path}/{key}" if key else url.path or "/", safe="/-._~")
        line = "&".join(
            f"{quote(name, safe='-._~')}={quote(query[name], safe='-._~')}" for name in sorted(query)
        )
        headers = {"host": url.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}"}
        names = ";".join(sorted(headers))
        canonical = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        request = f"{method}\n{path}\n{line}\n{canonical}\n{names}\n{_EMPTY}"
        scope = f"{at:%Y%m%d}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        signed = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={hmac.new(self._key(scope), signed.encode(), hashlib.sha256).hexdigest()}"
        )
        address = f"{url.scheme}://{url.netloc}{path}?{line}"
        with httpx.Client(verify=_trusted(self.ca), timeout=_PATIENCE_S) as client:
            response = client.request(method, address, headers=headers)
        if not (may_be_gone and response.status_code == 404):
            response.raise_for_status()
        return response

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _trusted(ca: str) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=ca) if ca else True


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.now(UTC)


def _plain_tags(root: ET.Element) -> ET.Element:
    """The same without namespaces, of which servers have different opinions."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
