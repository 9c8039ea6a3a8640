"""What extra_script.py has done for it, in a process and an interpreter of its own.

    python -m platformio_secureota.pio prepare|facts|sign|verify|upload|keygen ...

PlatformIO's interpreter need not have this package's dependencies, so the extra script holds
nothing but declarations and calls these verbs in build actions.  They are no interface for people:
`secureota` is.
"""
