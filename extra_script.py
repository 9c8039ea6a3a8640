"""SecureOTA for PlatformIO: `pio run` signs, `pio run -t upload` sends what was signed.

    extra_scripts = post:PATH/TO/SecureOTA/extra_script.py

PlatformIO runs this file in its own interpreter each time it looks at a project, also for an IDE.
So it declares build steps and does nothing else: no project file is read or written here, nothing
is asked over the network.  The steps are verbs of platformio_secureota/pio, run in a process of
their own, whose interpreter may be another.  docs/platformio.md is the user's page.

Standard library only, and Python 3.9.
"""
# SCons calls every action with target=, source= and env=.

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

scons: Any = importlib.import_module("SCons.Script")
scons.Import("env")
env: Any = globals()["env"]

HERE = Path((lambda: None).__code__.co_filename).parent  # extra scripts have no __file__
PACKAGE = HERE / "platformio_secureota"

DEVICES = ("espressif32", "native")  # platforms for which the library has a port
UPLOADS = ("upload", "uploadfs", "uploadfsota", "erase_upload")
GOALS = set(scons.COMMAND_LINE_TARGETS)

OPTIONS = {
    name: str(value)
    for name, value in env.GetProjectOptions()
    if name.startswith("custom_secureota_")
}
ANCHORS, SIGNER, DENIED, PRODUCT, FACTS, MANIFEST = (
    env.File(f"$BUILD_DIR/secureota/{name}")
    for name in (
        "anchors.pem",
        "signer.txt",
        "denied.txt",
        "product.json",
        "build_facts.cpp",
        "manifest.bin",
    )
)


def complain(text: str) -> int:
    """Say what is wrong, as the tool itself does; the exit status of "could not be done"."""
    sys.stderr.write(f"secureota: error: {text}\n")
    sys.stderr.flush()
    return 2


# -- the process that does the work -------------------------------------------------------------

_python: list[str] = []  # found once a run


def interpreter() -> str:
    """Path of the Python that has the tool's dependencies; empty if there is none."""
    if not _python:
        chosen = os.environ.get("SECUREOTA_PYTHON", "")
        if not chosen and not PACKAGE.is_dir():
            complain(f"{PACKAGE} is not there; set SECUREOTA_PYTHON to a Python that has it")
        elif not chosen:
            folder = env.subst("$PROJECT_CORE_DIR/secureota")
            finder = [sys.executable, str(PACKAGE / "pio" / "interpreter.py"), folder]
            found = subprocess.run(finder, env=environment(), stdout=subprocess.PIPE, check=False)
            chosen = found.stdout.decode().strip() if found.returncode == 0 else ""
        _python.append(chosen)
    return _python[0]


def environment() -> dict[str, str]:
    """What the process inherits: everything, but PlatformIO's own packages."""
    return {**os.environ, "PYTHONPATH": str(HERE), "PYTHONIOENCODING": "utf-8"}


def token_size() -> str:
    """Value of -DSECUREOTA_TOKEN_SIZE in the build flags; 0: the library's own."""
    for define in env.get("CPPDEFINES", []):
        if isinstance(define, (list, tuple)) and define[0] == "SECUREOTA_TOKEN_SIZE":
            return str(define[-1])
    return "0"


def tool(verb: str, variables: dict[str, str] | None = None, **words: str) -> int:
    """Run one verb, with variables for its environment; its exit status."""
    python = interpreter()
    if not python:
        return 2
    command = [python, "-m", "platformio_secureota.pio", verb]
    command += ["--project", env.subst("$PROJECT_DIR"), "--options", json.dumps(OPTIONS)]
    command += [f"--platform={env.subst('$PIOPLATFORM')}", f"--token-size={token_size()}"]
    command += [f"--framework={','.join(env.get('PIOFRAMEWORK') or [])}"]
    if int(scons.ARGUMENTS.get("ISATTY", 0)):
        command.append("--terminal")
    command += [f"--{name.replace('_', '-')}={value}" for name, value in words.items()]
    sys.stdout.flush()
    try:
        variables = {**environment(), **(variables or {})}
        return subprocess.run(command, env=variables, cwd=HERE, check=False).returncode
    except OSError as error:
        return complain(f"{python} does not run ({error.strerror}); is SECUREOTA_PYTHON right?")


# -- build steps --------------------------------------------------------------------------------


def prepare(target: Any, source: Any, env: Any) -> int:
    """Judge the options; write down anchors, the signer's name, denied keys, what is built."""
    names = ("anchors", "signer", "denied", "product")
    status = tool("prepare", **{name: node.abspath for name, node in zip(names, target)})
    if status:
        # What was signed under other settings must not lie about as if it were good.
        for node in signed:
            Path(node.abspath).unlink(missing_ok=True)
    return status


def write_facts(target: Any, source: Any, env: Any) -> int:
    """Write the source file with anchors and manifest, and the manifest alone."""
    files = {"anchors": ANCHORS, "denied": DENIED, "product": PRODUCT}
    files.update(out=target[0], manifest=target[1])
    return tool("facts", **{name: node.abspath for name, node in files.items()})


def sign(target: Any, source: Any, env: Any) -> int:
    """Make the signed image, the bare token and, where that is another, the file it covers."""
    files = dict(zip(("signed", "token", "covered"), target))
    files.update(image=source[0], anchors=ANCHORS, denied=DENIED, product=PRODUCT)
    files.update(manifest=MANIFEST)
    words = {name: node.abspath for name, node in files.items()}
    return tool("sign", kind=kind_of(source[0]), **words)


def kind_of(image: Any) -> str:
    """Tell whether an image is the program, or the filesystem beside it."""
    programs = (env.subst("${PROGNAME}.bin"), env.subst("$PROGNAME$PROGSUFFIX"))
    return "APPLICATION" if image.name in programs else "FILESYSTEM"


def verify(target: Any, source: Any, env: Any) -> int:
    """Judge the signed image."""
    return tool("verify", anchors=ANCHORS.abspath, denied=DENIED.abspath, signed=signed[0].abspath)


def keygen(target: Any, source: Any, env: Any) -> int:
    """Make the project's key."""
    return tool("keygen")


def upload(target: Any, source: Any, env: Any) -> int:
    """Send the signed image."""
    kind = kind_of(source[0])
    if GOALS & {"uploadfs", "uploadfsota"} and kind == "APPLICATION":
        return complain("under -t nobuild this platform hands over the application as filesystem")
    return tool(
        "upload",
        upload_flags(),
        anchors=ANCHORS.abspath,
        denied=DENIED.abspath,
        image=source[0].abspath,
        signed=signed[0].abspath,
        kind=kind,
        upload_port=env.subst("$UPLOAD_PORT"),
    )


def send_first_image(target: Any, source: Any, env: Any) -> int:
    """Send the plain image to a device that checks no signatures yet."""
    image, port = signed[0].sources[0].abspath, env.subst("$UPLOAD_PORT")
    return tool("send-first-image-unsigned", upload_flags(), image=image, upload_port=port)


def upload_flags() -> dict[str, str]:
    """What upload_flags says, for the environment: as an argument, others could read a password."""
    flags = env.get("UPLOAD_FLAGS") or []
    lines = [flags] if isinstance(flags, str) else flags
    words = [word for line in lines for word in shlex.split(env.subst(line))]
    return {"SECUREOTA_UPLOAD_FLAGS": json.dumps(words)}


def refuse(text: str) -> Any:
    """Make an upload action that says why there is none."""

    def refused(target: Any, source: Any, env: Any) -> int:
        return complain(text)

    return refused


# -- what depends on what -----------------------------------------------------------------------


def declared(name: str) -> Any:
    """The target of that name; None if the platform has declared none."""
    return importlib.import_module("SCons.Node.Alias").default_ans.lookup(name)


def declare_signing() -> Any:
    """[signed image, bare token], made of whatever the platform would upload.

    A third file where what is signed has a manifest behind what was built: an ESP32 application has
    it inside, and of platforms that have no device half nothing is known.
    """
    uploaded = declared("upload")
    if uploaded is None or not uploaded.sources:
        complain("there is nothing to upload yet; write post: in front of extra_script.py")
        env.Exit(2)
    image = uploaded.sources[0]
    stem = re.sub(r"\.(bin|exe|elf)$", "", image.abspath)
    files = [f"{stem}.signed.bin", f"{stem}.tsr"]
    settings: list[Any] = [OPTIONS]
    needed = [ANCHORS, SIGNER, DENIED, PRODUCT]
    if kind_of(image) == "FILESYSTEM":
        files.append(f"{stem}.image.bin")
        settings.append(os.environ.get("SOURCE_DATE_EPOCH", ""))
    elif env.subst("$PIOPLATFORM") == "native":
        files.append(f"{stem}.image.bin")
        needed.append(MANIFEST)
    nodes = env.Command(files, image, env.VerboseAction(sign, "Signing $SOURCE"))
    sources = sorted(str(file) for file in PACKAGE.rglob("*.py"))
    env.Depends(nodes, [*needed, env.Value(json.dumps(settings, sort_keys=True)), *sources])
    env.NoCache(nodes)
    return nodes


def declare_facts(program: Any) -> None:
    """Compile anchors and manifest into the program; anew whenever its code changes."""
    action = env.VerboseAction(write_facts, "Generating $TARGET")
    generated = env.Command([FACTS, MANIFEST], [], action)
    settings = json.dumps([OPTIONS, os.environ.get("SOURCE_DATE_EPOCH", "")], sort_keys=True)
    libraries = [each for each in env.get("LIBS", []) if not isinstance(each, str)]
    needed = [ANCHORS, DENIED, PRODUCT, env.Value(settings)]
    env.Depends(generated, [*needed, *program.sources, *libraries])
    # The object itself: as a member of an archive it would lose to the library's weak defaults.
    env.Append(LIBS=[env.Object(FACTS)[0]])
    # Bad options are to be heard of before anything is compiled.
    env.Requires(program.sources, ANCHORS)


def goes_over_network() -> bool:
    """Whether the platform's upload is espota's.

    With an address in upload_port it is, and UPLOAD_PROTOCOL says something else: so the program
    that would run is looked at too.
    """
    words = [env.subst("$UPLOADER"), *env.subst("$UPLOADCMD").split()]
    names = [re.split(r"[\\/]", word.strip("\"'"))[-1].lower() for word in words]
    return env.subst("$UPLOAD_PROTOCOL") == "espota" or any(
        re.match(r"espota(\.|$)", name) for name in names
    )


def upload_action() -> Any:
    """What is to be done instead of the platform's upload; None: let it be, it is serial."""
    platform = env.subst("$PIOPLATFORM")
    if env.GetProjectOption("upload_command", "") or env.subst("$UPLOAD_PROTOCOL") == "custom":
        return refuse(
            "what upload_command sends can't be seen from here; remove it and upload_protocol = "
            "custom, or take extra_script.py out of this environment"
        )
    if platform != "native" and not goes_over_network():
        return None
    if platform not in DEVICES:
        return refuse(
            f"{platform} has no device half of SecureOTA yet, so nothing there would check a "
            "signature; upload by serial"
        )
    return upload


def declare_upload(action: Any) -> None:
    """Take the platform's upload over."""
    for name in UPLOADS:
        if declared(name) is not None:
            env.Depends(name, signed)
    env.Replace(UPLOADCMD=action)
    if env.subst("$PIOPLATFORM") == "native":
        # Its "upload" runs the program, whatever UPLOADCMD says.
        replacement = env.VerboseAction(action, "Uploading $SOURCE")
        declared("upload").get_executor().set_action_list(replacement)


def declare_target(name: str, needs: Any, action: Any, title: str, description: str) -> None:
    """Add a target of ours; some platforms have a "sign" of their own."""
    is_free = name not in (env.get("__PIO_TARGETS") or {})
    full_name = name if is_free else f"secureota-{name}"
    env.AddCustomTarget(full_name, needs, action, title, description)


signed: Any = []
if not env.IsIntegrationDump():
    prepared = env.Command([ANCHORS, SIGNER, DENIED, PRODUCT], [], env.Action(prepare, None))
    env.AlwaysBuild(prepared)
    env.NoCache(prepared)
    signed = declare_signing()
    if env.get("PIOMAINPROG"):
        declare_facts(env["PIOMAINPROG"][0])
    taken_over = upload_action()
    if taken_over is not None:
        declare_upload(taken_over)
    if not GOALS & {"__test", "__debug"}:
        if declared("buildprog") is None:
            scons.Default(signed)
        else:
            env.Depends("buildprog", signed)

judge, make_key = env.Action(verify, None), env.Action(keygen, None)
declare_target("sign", signed, None, "Sign", "Make the signed image and its timestamp")
declare_target("verify", signed, judge, "Verify", "Judge the signed image as devices will")
declare_target(
    "send-first-image-unsigned",
    signed,
    env.Action(send_first_image, None),
    "Send First Image",
    "Bring SecureOTA to a device that has the stock library",
)
declare_target("keygen", None, make_key, "Make Key", "Make this project's signing key")
