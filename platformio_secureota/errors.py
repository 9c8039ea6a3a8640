"""Why something was refused, by name.

A `Reason` is the stable, documented name of one cause.  The names from `NotSigned` to `OutOfMemory`
are shared with the device (`src/secureota/error.h`): both verifiers answer a bad container with the
same name, and `tests/vectors` holds them to it.  The rest belong to the host alone.
"""

from __future__ import annotations

import enum


class Reason(str, enum.Enum):
    """The cause of a refusal; `value` is the name, `sentence` says it in words."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Reason:  # noqa: D102 - enum plumbing
        self = str.__new__(cls, name)
        self._value_ = name
        self.sentence = sentence
        return self

    # -- the container ------------------------------------------------------------------------
    NotSigned = "NotSigned", "there is no signature in front of the image"
    HeaderMalformed = "HeaderMalformed", "the container's header line is not well-formed"
    HeaderTooLong = "HeaderTooLong", "the container's header line is longer than 128 bytes"
    TokenTooLarge = "TokenTooLarge", "the timestamp token is larger than this verifier takes"
    Truncated = "Truncated", "the container ends before its image does"
    TrailingData = "TrailingData", "there are bytes behind the end"
    # -- encoding and structure ---------------------------------------------------------------
    NotDer = "NotDer", "the token is not strict DER"
    Malformed = "Malformed", "the token's structure is not the one that RFC 3161 gives"
    UnexpectedField = "UnexpectedField", "the token holds a field that does not belong there"
    # -- the check list, in its order -----------------------------------------------------------
    NotGranted = "NotGranted", "the timestamp authority did not grant the request"
    NotSignedData = "NotSignedData", "the token is not CMS SignedData"
    NotTimestampToken = "NotTimestampToken", "the signed content is not a timestamp"
    SignerInfoUnsupported = "SignerInfoUnsupported", "there must be one version 1 signer"
    AlgorithmNotAllowed = "AlgorithmNotAllowed", "an algorithm is not on the allow-list"
    AlgorithmMismatch = "AlgorithmMismatch", "algorithms or keys contradict each other"
    KeyNotAllowed = "KeyNotAllowed", "a public key is of a size or form that is not allowed"
    NoSignedAttributes = "NoSignedAttributes", "the signature does not cover signed attributes"
    AttributeRepeated = "AttributeRepeated", "a signed attribute is repeated or has several values"
    WrongContentType = "WrongContentType", "the contentType attribute does not say timestamp"
    MessageDigestMismatch = "MessageDigestMismatch", "the signed digest is not the TSTInfo's"
    NoSigningCertificate = "NoSigningCertificate", "no attribute binds the signing certificate"
    SigningCertificateMismatch = (
        "SigningCertificateMismatch",
        "the attribute that binds the signing certificate names another one",
    )
    SigningCertificateV2Required = (
        "SigningCertificateV2Required",
        "only the SHA-1 form of the signing certificate attribute is there",
    )
    AttributesNotSorted = "AttributesNotSorted", "the signed attributes are not in DER order"
    SignerNotFound = "SignerNotFound", "the signer's certificate is neither sent nor known"
    TooManyCertificates = "TooManyCertificates", "the token carries too many certificates"
    WrongPurpose = "WrongPurpose", "the signer's certificate is not for time-stamping alone"
    WrongKeyUsage = "WrongKeyUsage", "a certificate's keyUsage does not fit its role"
    SignerIsCa = "SignerIsCa", "the signer's certificate is a certificate authority's"
    CertificateExtensionUnknown = (
        "CertificateExtensionUnknown",
        "a certificate has a critical extension that is not understood",
    )
    NotTrusted = "NotTrusted", "no path leads from the signer to a trust anchor"
    TooMuchWork = "TooMuchWork", "finding a path would cost more than the limit"
    CertificateNotCa = "CertificateNotCa", "a certificate that issues is not an authority's"
    PathTooLong = "PathTooLong", "a path is longer than an authority's pathLen allows"
    CertificateNotValidAtGenTime = (
        "CertificateNotValidAtGenTime",
        "a certificate was not valid when the token was made",
    )
    CertificateSignatureInvalid = (
        "CertificateSignatureInvalid",
        "a certificate's signature is not its issuer's",
    )
    Denied = "Denied", "a key in the path is on the deny-list"
    WrongTstVersion = "WrongTstVersion", "the TSTInfo is not version 1"
    ImprintNotSha256 = "ImprintNotSha256", "the token's imprint is not a SHA-256 digest"
    PolicyNotAccepted = "PolicyNotAccepted", "the token's policy is not one that is required"
    BadSerialNumber = "BadSerialNumber", "the serial number is not positive or too long"
    BadGenTime = "BadGenTime", "the token's time is not a proper UTC time"
    BadAccuracy = "BadAccuracy", "the token's accuracy is out of range"
    NonceMismatch = "NonceMismatch", "the token answers another request"
    WrongTsaName = "WrongTsaName", "the token names an authority that is not its signer"
    TokenExtensionUnknown = (
        "TokenExtensionUnknown",
        "the token has a critical extension that is not understood",
    )
    OlderThanFloor = "OlderThanFloor", "the token is older than what the device has accepted"
    FromTheFuture = "FromTheFuture", "the token is from the future"
    SignatureInvalid = "SignatureInvalid", "the token's signature is wrong"
    ImageMismatch = "ImageMismatch", "the image is not the one that was signed"
    # -- the device and its protocol ------------------------------------------------------------
    NoTrustAnchor = "NoTrustAnchor", "this device has no trust anchor and accepts nothing"
    BadInvitation = "BadInvitation", "the invitation is not understood"
    NotAuthorized = "NotAuthorized", "the password is wrong"
    TooManyAttempts = (
        "TooManyAttempts",
        "wrong passwords came from this address; it has to wait a moment",
    )
    Busy = "Busy", "another update is under way"
    NotConfirmedYet = "NotConfirmedYet", "the image that runs has not confirmed itself yet"
    WrongImageKind = "WrongImageKind", "this kind of image can't be updated here"
    ManifestMalformed = "ManifestMalformed", "the manifest in the image is not well-formed"
    ManifestMissing = "ManifestMissing", "the image does not say what it is for"
    ImageKindMismatch = "ImageKindMismatch", "the signed image is of another kind than the upload"
    WrongProduct = "WrongProduct", "the image is for another product"
    WrongHardware = "WrongHardware", "the image is for another hardware revision"
    ImageTooLarge = "ImageTooLarge", "the image does not fit the device's slot"
    TransportDigestMismatch = "TransportDigestMismatch", "the upload was damaged on its way"
    ConnectionLost = "ConnectionLost", "the connection ended before the upload did"
    TimedOut = "TimedOut", "nothing arrived for too long"
    BadUrl = "BadUrl", "the URL is not one that can be fetched here"
    HttpMalformed = "HttpMalformed", "what came is not HTTP as it should be"
    NotServed = "NotServed", "the server does not have the file, or does not give it"
    NotPlain = "NotPlain", "the server sends the file encoded, or does not say how long it is"
    TooManyRedirects = "TooManyRedirects", "the server refers from one address to the next"
    WrongOrigin = "WrongOrigin", "the page of another site asks for it"
    FlashOpenFailed = "FlashOpenFailed", "the slot could not be opened"
    FlashWriteFailed = "FlashWriteFailed", "the slot could not be written"
    FlashReadBackMismatch = "FlashReadBackMismatch", "the slot does not hold what was written"
    ActivateFailed = "ActivateFailed", "the slot could not be made bootable"
    ImageNotConfirmed = "ImageNotConfirmed", "the new image did not confirm itself in time"
    ImageRejected = "ImageRejected", "the new image said that it does not work"
    OutOfMemory = "OutOfMemory", "there is not enough memory"
    # -- the host alone -------------------------------------------------------------------------
    Usage = "Usage", "the command or a setting is not understood"
    FileUnreadable = "FileUnreadable", "a file can't be read"
    FileUnwritable = "FileUnwritable", "a file can't be written"
    KeyUnusable = "KeyUnusable", "the signing key can't be used"
    KeyMissing = "KeyMissing", "the signing key is not on this machine"
    BackupUnreadable = "BackupUnreadable", "the sheet was not read as it was printed"
    ExtraMissing = "ExtraMissing", "a program or a package that this needs is not installed"
    AnchorUnusable = "AnchorUnusable", "a trust anchor can't be used"
    AnchorMissing = "AnchorMissing", "no trust anchor is set"
    DenyListUnusable = "DenyListUnusable", "the list of denied keys can't be used"
    HierarchyUnusable = "HierarchyUnusable", "the folder of the key hierarchy can't be used"
    IssuerForbids = "IssuerForbids", "an authority may not certify this"
    RequestUnusable = "RequestUnusable", "a certificate request can't be used"
    TsaUnreachable = "TsaUnreachable", "the timestamp authority does not answer"
    TsaReplyUnusable = "TsaReplyUnusable", "the timestamp authority's answer is not a timestamp"
    NoAuthentication = "NoAuthentication", "callers would not be known for who they are"
    FileExposed = "FileExposed", "a file that must be private can be reached by others"
    LogBroken = "LogBroken", "the log of approvals is not whole"
    NoAnswer = "NoAnswer", "the device does not answer"
    NoConnection = "NoConnection", "no connection with the device came about"
    HostPortUnusable = "HostPortUnusable", "this computer can't wait for the device there"
    PasswordMissing = "PasswordMissing", "the device asks for a password and none is set"
    WeakPasswordForm = "WeakPasswordForm", "the device asks for the password in a weak form"
    NoVerdict = "NoVerdict", "the device did not say that it accepted the image"
    DeviceRefused = "DeviceRefused", "the device refused the image"
    NotRunning = "NotRunning", "the device does not run the new image"
    AlreadySecured = "AlreadySecured", "the device checks signatures already"
    BuiltLater = "BuiltLater", "the image says that it was built after it was signed"
    DevicesFailed = "DevicesFailed", "not every device was updated"


class SecureOTAError(Exception):
    """Anything that this package refuses or cannot do.  Nothing else is raised on bad input.

    `reason` names the cause, `detail` says what was found, `hint` what to do next.
    """

    exit_code = 2

    def __init__(self, reason: Reason, detail: str = "", *, hint: str = "") -> None:
        """Name the cause; `detail` and `hint` are single lines without a final stop."""
        super().__init__(reason, detail, hint)
        self.reason = reason
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        """One line: the name, the cause in words, what was found, what to do."""
        text = f"{self.reason.value}: {self.reason.sentence}"
        if self.detail:
            text += f" ({self.detail})"
        if self.hint:
            text += f"; {self.hint}"
        return text


class Refused(SecureOTAError):
    """Something was judged, and refused."""

    exit_code = 1


class Unusable(SecureOTAError):
    """Something could not be judged or done: usage, a file, a key, the network."""

    exit_code = 2
