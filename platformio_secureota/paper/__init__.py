"""A signing key on paper: made, printed, and read back.

    backup   what goes on the sheet: the key as PKCS #8, and its certificates
    armour   bytes as lines that people can type, each with a checksum
    sheet    the words, codes and lines of a sheet, in their order
    layout   where each of them goes, on pages
    pdf, png, text    the pages as files
    scan     photos of the codes, by zbarimg

A QR code holds the very lines that stand beside it, so that one reader takes what was typed, what a
phone has decoded, and any mixture of them.
"""
