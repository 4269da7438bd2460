"""Fetch the libraries that the page for a browser brings along, from npm.

Run as ``.venv/bin/python scripts/make/page_libraries.py``; it needs the command ``npm``. What is fetched is compared
with the digest written here, so a newer version is taken by changing both lines.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

_VENDOR = Path(__file__).resolve().parents[2] / "query/ssap_query/server/page/static/vendor"
# By Mark Taylor, in the public domain (CC0 1.0); the licence stands in its head.
_PACKAGE, _VERSION = "sampjs", "1.0.3"
_SHA512 = "xAluUkBIME1CmUjBm7nsaasljw9ybxZmGQ/GjZofZ/AmtB+fvIj4sgbRgYahxbC3o2OxsubOpDRZN6vglEUmbA=="
# For Node; a browser has the variable. It is no module, in which variables have to be declared: one of it is not.
_EXPORT = "module.exports = { samp }"


def main() -> None:
    """Write ``samp.js``."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{_PACKAGE}@{_VERSION}"], cwd=folder, check=True)
        archive = Path(folder) / f"{_PACKAGE}-{_VERSION}.tgz"
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != _SHA512:
            message = f"{archive.name} has the digest {digest}, not the one that was looked at"
            raise SystemExit(message)
        with tarfile.open(archive) as packed:
            member = packed.extractfile("package/samp.js")
            assert member is not None
            text = member.read().decode()
    if text.count(_EXPORT) != 1:
        message = f"{_PACKAGE} {_VERSION} exports in another way than before"
        raise SystemExit(message)
    head = f"// {_PACKAGE} {_VERSION} from npm, without its last line (scripts/make/page_libraries.py)\n"
    (_VENDOR / "samp.js").write_text(head + text.replace(_EXPORT, "").rstrip() + "\n")


if __name__ == "__main__":
    main()
