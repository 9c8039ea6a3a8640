// Why something was refused, by name: the same names as Reason in platformio_secureota/errors.py.
#pragma once

#include <stdint.h>

// gcc 8 with gnu++11 (Arduino core 2.0.17) knows the attribute, but not in that standard.
#if defined(__GNUC__)
#define SECUREOTA_NODISCARD __attribute__((warn_unused_result))
#else
#define SECUREOTA_NODISCARD
#endif

namespace secureota {

// X(name, sentence). The order is that of the Python enumeration; a test compares the two.
#define SECUREOTA_ERRORS(X)                                                                       \
  X(NotSigned, "there is no signature in front of the image")                                     \
  X(HeaderMalformed, "the container's header line is not well-formed")                            \
  X(HeaderTooLong, "the container's header line is longer than 128 bytes")                        \
  X(TokenTooLarge, "the timestamp token is larger than this verifier takes")                      \
  X(Truncated, "the container ends before its image does")                                        \
  X(TrailingData, "there are bytes behind the end")                                               \
  X(NotDer, "the token is not strict DER")                                                        \
  X(Malformed, "the token's structure is not the one that RFC 3161 gives")                        \
  X(UnexpectedField, "the token holds a field that does not belong there")                        \
  X(NotGranted, "the timestamp authority did not grant the request")                              \
  X(NotSignedData, "the token is not CMS SignedData")                                             \
  X(NotTimestampToken, "the signed content is not a timestamp")                                   \
  X(SignerInfoUnsupported, "there must be one version 1 signer")                                  \
  X(AlgorithmNotAllowed, "an algorithm is not on the allow-list")                                 \
  X(AlgorithmMismatch, "algorithms or keys contradict each other")                                \
  X(KeyNotAllowed, "a public key is of a size or form that is not allowed")                       \
  X(NoSignedAttributes, "the signature does not cover signed attributes")                         \
  X(AttributeRepeated, "a signed attribute is repeated or has several values")                    \
  X(WrongContentType, "the contentType attribute does not say timestamp")                         \
  X(MessageDigestMismatch, "the signed digest is not the TSTInfo's")                              \
  X(NoSigningCertificate, "no attribute binds the signing certificate")                           \
  X(SigningCertificateMismatch,                                                                   \
    "the attribute that binds the signing certificate names another one")                         \
  X(SigningCertificateV2Required,                                                                 \
    "only the SHA-1 form of the signing certificate attribute is there")                          \
  X(AttributesNotSorted, "the signed attributes are not in DER order")                            \
  X(SignerNotFound, "the signer's certificate is neither sent nor known")                         \
  X(TooManyCertificates, "the token carries too many certificates")                               \
  X(WrongPurpose, "the signer's certificate is not for time-stamping alone")                      \
  X(WrongKeyUsage, "a certificate's keyUsage does not fit its role")                              \
  X(SignerIsCa, "the signer's certificate is a certificate authority's")                          \
  X(CertificateExtensionUnknown, "a certificate has a critical extension that is not understood") \
  X(NotTrusted, "no path leads from the signer to a trust anchor")                                \
  X(TooMuchWork, "finding a path would cost more than the limit")                                 \
  X(CertificateNotCa, "a certificate that issues is not an authority's")                          \
  X(PathTooLong, "a path is longer than an authority's pathLen allows")                           \
  X(CertificateNotValidAtGenTime, "a certificate was not valid when the token was made")          \
  X(CertificateSignatureInvalid, "a certificate's signature is not its issuer's")                 \
  X(Denied, "a key in the path is on the deny-list")                                              \
  X(WrongTstVersion, "the TSTInfo is not version 1")                                              \
  X(ImprintNotSha256, "the token's imprint is not a SHA-256 digest")                              \
  X(PolicyNotAccepted, "the token's policy is not one that is required")                          \
  X(BadSerialNumber, "the serial number is not positive or too long")                             \
  X(BadGenTime, "the token's time is not a proper UTC time")                                      \
  X(BadAccuracy, "the token's accuracy is out of range")                                          \
  X(NonceMismatch, "the token answers another request")                                           \
  X(WrongTsaName, "the token names an authority that is not its signer")                          \
  X(TokenExtensionUnknown, "the token has a critical extension that is not understood")           \
  X(OlderThanFloor, "the token is older than what the device has accepted")                       \
  X(FromTheFuture, "the token is from the future")                                                \
  X(SignatureInvalid, "the token's signature is wrong")                                           \
  X(ImageMismatch, "the image is not the one that was signed")                                    \
  X(NoTrustAnchor, "this device has no trust anchor and accepts nothing")                         \
  X(BadInvitation, "the invitation is not understood")                                            \
  X(NotAuthorized, "the password is wrong")                                                       \
  X(TooManyAttempts, "wrong passwords came from this address; it has to wait a moment")           \
  X(Busy, "another update is under way")                                                          \
  X(NotConfirmedYet, "the image that runs has not confirmed itself yet")                          \
  X(WrongImageKind, "this kind of image can't be updated here")                                   \
  X(ManifestMalformed, "the manifest in the image is not well-formed")                            \
  X(ManifestMissing, "the image does not say what it is for")                                     \
  X(ImageKindMismatch, "the signed image is of another kind than the upload")                     \
  X(WrongProduct, "the image is for another product")                                             \
  X(WrongHardware, "the image is for another hardware revision")                                  \
  X(ImageTooLarge, "the image does not fit the device's slot")                                    \
  X(TransportDigestMismatch, "the upload was damaged on its way")                                 \
  X(ConnectionLost, "the connection ended before the upload did")                                 \
  X(TimedOut, "nothing arrived for too long")                                                     \
  X(BadUrl, "the URL is not one that can be fetched here")                                        \
  X(HttpMalformed, "what came is not HTTP as it should be")                                       \
  X(NotServed, "the server does not have the file, or does not give it")                          \
  X(NotPlain, "the server sends the file encoded, or does not say how long it is")                \
  X(TooManyRedirects, "the server refers from one address to the next")                           \
  X(WrongOrigin, "the page of another site asks for it")                                          \
  X(FlashOpenFailed, "the slot could not be opened")                                              \
  X(FlashWriteFailed, "the slot could not be written")                                            \
  X(FlashReadBackMismatch, "the slot does not hold what was written")                             \
  X(ActivateFailed, "the slot could not be made bootable")                                        \
  X(ImageNotConfirmed, "the new image did not confirm itself in time")                            \
  X(ImageRejected, "the new image said that it does not work")                                    \
  X(OutOfMemory, "there is not enough memory")

enum class Error : uint8_t {
  None,
#define SECUREOTA_ENUMERATOR(name, sentence) name,
  SECUREOTA_ERRORS(SECUREOTA_ENUMERATOR)
#undef SECUREOTA_ENUMERATOR
};

// The name as it goes over the wire and into logs: "NotTrusted". "None" for Error::None.
const char* errorName(Error error);

// The cause in words, without a final stop.
const char* errorSentence(Error error);

}  // namespace secureota

// Returns from the calling function with the error, if there is one.
#define SECUREOTA_TRY(expression)                             \
  do {                                                        \
    const ::secureota::Error secureota_error_ = (expression); \
    if (secureota_error_ != ::secureota::Error::None) {       \
      return secureota_error_;                                \
    }                                                         \
  } while (0)
