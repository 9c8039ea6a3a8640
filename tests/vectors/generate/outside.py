"""Why judges that we did not write refuse some of the good tokens."""

OPENSSL, CLIENT = "openssl", "rfc3161-client"

ORDER = {CLIENT: "asks that a SET OF (certificates, digestAlgorithms) be in DER's order"}
GRANTED_ALONE = {CLIENT: "takes the status granted alone"}
FIRST_ISSUER = "takes the first certificate of the issuer's name and tries no other"
ANCHOR_DATES = "judges the anchor's own dates"
LAST_SECOND = "counts the second of notAfter as expired (RFC 5280 4.1.2.5 includes it)"
COMPLETE_CHAIN = "wants a chain up to a self-signed certificate"
ANCHOR_EXTENSIONS = "judges the anchor's own extensions"


def both(why: str) -> dict[str, str]:
    """The same for OpenSSL and for rfc3161-client, which asks OpenSSL."""
    return {OPENSSL: why, CLIENT: why}
