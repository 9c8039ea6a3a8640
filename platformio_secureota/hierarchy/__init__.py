"""A hierarchy of keys: authorities that certify authorities and signers (docs/keys.md).

profiles.py   what each kind of certificate may do, as extensions
certify.py    what an authority may certify, and the certificate itself
request.py    requests: a key never leaves its machine
node.py       one member and its folder
tree.py       all members, and what is done with them
index.py      the list of what was done

Private keys come from files; whatever behaves like cryptography's private keys will do.
"""

from platformio_secureota.hierarchy.certify import Order, certify
from platformio_secureota.hierarchy.node import Node
from platformio_secureota.hierarchy.profiles import Profile
from platformio_secureota.hierarchy.request import Request
from platformio_secureota.hierarchy.tree import DENIED_FILE, Tree

__all__ = ["DENIED_FILE", "Node", "Order", "Profile", "Request", "Tree", "certify"]
