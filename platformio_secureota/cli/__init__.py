"""The command line: `secureota COMMAND ...`.

Commands are the only part of this package that prints, exits or reads the environment.  Exit
status: 0 it is so, 1 something was judged and refused, 2 it could not be judged or done, 130 the
user interrupted it.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import TYPE_CHECKING

import click

from platformio_secureota import __version__
from platformio_secureota.cli import console
from platformio_secureota.errors import Reason, SecureOTAError, Unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = (
    "keygen",
    "key",
    "sign",
    "verify",
    "inspect",
    "anchor",
    "doctor",
    "pki",
    "hsm",
    "tsa",
    "devices",
    "upload",
    "status",
    "espota",
    "send-first-image-unsigned",
)
"""In the order in which a newcomer needs them; each is the module of that name, hyphens apart."""

_UNUSABLE, _INTERRUPTED = 2, 130


class _Commands(click.Group):
    """Imports a command when it is called for: `verify` need not wait for the network's modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"{__name__}.{name}")
        command = getattr(module, name)
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="secureota", message="%(prog)s %(version)s")
@click.pass_context
def secureota(ctx: click.Context) -> int:
    """Sign firmware, and update devices that take nothing else.

    \b
    A first time, from nothing to an update:
      secureota keygen --out KEY.pem > anchor.h     (compile anchor.h into the firmware)
      secureota sign firmware.bin --key KEY.pem     (writes firmware.signed.bin)
      secureota verify --anchor KEY.pem firmware.signed.bin
      secureota upload firmware.signed.bin 192.168.1.50

    Exit status: 0 accepted or done, 1 refused, 2 could not be judged or done.
    Secrets come from the environment or private files alone: SECUREOTA_KEY_PASSPHRASE (of the key
    file), SECUREOTA_PKCS11_PIN (of the token that holds the key), SECUREOTA_PASSWORD or
    SECUREOTA_PASSWORD_FILE (of the device), SECUREOTA_TSA_TOKEN, or SECUREOTA_TSA_USER and
    SECUREOTA_TSA_PASSWORD (of the timestamp authority).
    """  # noqa: D301 - \b is click's mark for lines to be kept
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return _UNUSABLE
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status.

    What a user can cause ends in one line on stderr; a bug ends in a traceback.
    """
    arguments = None if argv is None else list(argv)
    try:
        status = secureota.main(arguments, prog_name="secureota", standalone_mode=False)
    except click.ClickException as error:
        console.report(_usage(error))
        return _UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nsecureota: interrupted", err=True)
        return _INTERRUPTED
    except SecureOTAError as error:
        console.report(error)
        return error.exit_code
    except SystemExit:
        # click's answer when whoever read our output went away; there is nobody to tell.
        return _UNUSABLE
    except Exception:  # noqa: BLE001 - a bug: show it, and don't let it look like a refusal
        traceback.print_exc(file=sys.stderr)
        return _UNUSABLE
    return status if isinstance(status, int) else 0


def _usage(error: click.ClickException) -> Unusable:
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"see `{error.ctx.command_path} --help`"
    return Unusable(Reason.Usage, error.format_message(), hint=hint)
