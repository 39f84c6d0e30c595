#!/usr/bin/env bash
# The suite on the oldest and the newest Python that the pins allow and this machine has.
set -euo pipefail
bash tools/test.sh pythons
