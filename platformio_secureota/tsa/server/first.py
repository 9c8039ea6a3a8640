"""The first configuration: what `secureota tsa init` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from platformio_secureota.tsa.local import DEFAULT_POLICY


@dataclass(frozen=True)
class First:
    """What differs between one first configuration and another."""

    key: str
    """PEM file, relative to the configuration."""
    anchors: str
    token_hash: str
    """Empty: the caller is anonymous."""
    policy: str = DEFAULT_POLICY
    require_synchronised: bool = True


def write_config(first: First) -> str:
    """Give the text of the file."""
    anchors = (
        f"anchors = {json.dumps(first.anchors)}" if first.anchors else '# anchors = "root.pem"'
    )
    if first.token_hash:
        caller = f'name = "ci"\nbearer = [{json.dumps(first.token_hash)}]'
    else:
        caller = 'name = "anybody"\nanonymous = true   # for play: whoever is on this machine'
    return _TEXT.format(
        key=json.dumps(first.key),
        anchors=anchors,
        policy=json.dumps(first.policy),
        caller=caller,
        synchronised=str(first.require_synchronised).lower(),
    )


_TEXT = """\
# The timestamp authority's configuration.  docs/tsa.md explains it.
# Paths are relative to this file.

[signer]
key = {key}            # key, certificate and chain, PEM, mode 0600
# certificates = "chain.pem"  # more of the chain
{anchors}        # what devices trust; default: the end of the chain
check_signatures = true       # verify each signature before it goes out

[listen]
address = "127.0.0.1"         # any other needs [tls]
port = 3161

# [tls]
# certificate = "tls.pem"
# key = "tls-key.pem"
# client_ca = "clients.pem"   # issuers of client certificates

# [proxy]
# client_certificates = true  # nginx on this machine checks client certificates (docs/tsa.md)

[log]
file = "approvals.log"        # append-only; approvals.log.head says where it ends

[clock]
require_synchronised = {synchronised}
max_step = 2                  # seconds

[policies]                    # names for people, OBJECT IDENTIFIERs for devices
default = {policy}

[[caller]]
{caller}
policies = ["default"]        # the first is what a request gets that names none
per_minute = 60
per_day = 1000
# pages = true                # may read status page and metrics from another machine

# [[caller]]
# name = "release-manager"
# certificates = ["subject:CN=release-manager,O=myCorp"]   # or sha256:HEX, or san:NAME
# policies = ["default"]
"""
