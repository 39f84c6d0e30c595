#!/usr/bin/env bash
# Small files that ask for much, of each form: none takes more than 20 s or 2 GB, or ends in anything but a book or a message.
set -euo pipefail
$PY tools/large.py "$@"
