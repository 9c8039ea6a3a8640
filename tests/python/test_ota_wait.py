"""What an upload asks the device before and after: does it fit, and does it run?"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Callable

import pytest

from announcer import Pretended, announced, own_name, why_no_multicast
from platformio_secureota import container as containers
from platformio_secureota.errors import Reason, Refused, SecureOTAError
from platformio_secureota.manifest import ImageKind as ManifestKind
from platformio_secureota.manifest import Manifest, with_trailer
from platformio_secureota.ota import (
    ImageKind,
    Settings,
    State,
    Target,
    Timeouts,
    Wait,
    ask_status,
    upload,
)
from stock_device import Behaviour, StockDevice

if TYPE_CHECKING:
    from platformio_secureota.ota import Password, Verdict

    Answers = Callable[[int, bytes], "str | None"]

OLD = hashlib.sha256(b"the old image").hexdigest()
TOKEN = b"\x30\x82" + b"token" * 100
CONTAINER = containers.build(TOKEN, b"image" * 1000)
TIMEOUTS = Timeouts(status=2.0, invitation=8.0, restart=2.5, back=8.0, late_refusal=0.1)
IMPATIENT = dataclasses.replace(TIMEOUTS, status=0.2, restart=1.0, back=2.0, confirmation=2.0)


def for_product(product: str) -> bytes:
    manifest = Manifest(ManifestKind.APPLICATION, product=product)
    return containers.build(TOKEN, with_trailer(b"image" * 1000, manifest))


def running(digest: str, state: str = "confirmed", more: str = "") -> str:
    return f"image={digest} state={state} floor=-{more}"


def afterwards(*steps: str | None) -> Answers:
    """The old image before an upload; then these, the last one for ever.  NEW: what was sent."""
    rest = list(steps)

    def answer(_number: int, digest: bytes) -> str | None:
        if not digest:
            return running(OLD)
        told = rest.pop(0) if len(rest) > 1 else rest[0]
        return told and told.replace("NEW", digest.hex())

    return answer


def send(
    device: StockDevice,
    container: bytes = CONTAINER,
    *,
    wait: Wait = Wait.RUNNING,
    timeouts: Timeouts = TIMEOUTS,
    password: Password = None,
    kind: ImageKind = ImageKind.APPLICATION,
    on_state: Callable[[State], None] | None = None,
    allow_weak_password: bool = False,
) -> Verdict:
    return upload(
        container,
        Target("127.0.0.1", device.port),
        kind=kind,
        password=password,
        on_state=on_state,
        settings=Settings(wait=wait, timeouts=timeouts, allow_weak_password=allow_weak_password),
    )


def failure(behaviour: Behaviour, container: bytes = CONTAINER, **how: object) -> SecureOTAError:
    with StockDevice(behaviour) as device, pytest.raises(SecureOTAError) as caught:
        send(device, container, **how)  # type: ignore[arg-type]
    return caught.value


# -- after the yes -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["confirmed", "pending"])
def test_the_new_image_runs(state: str) -> None:
    states: list[State] = []
    with StockDevice(Behaviour(status=afterwards(running("NEW", state)))) as device:
        verdict = send(device, on_state=states.append)
    assert verdict.status is not None
    assert verdict.status.confirmed == (state == "confirmed")
    assert states[-1] is State.RESTARTING


def test_the_old_image_may_answer_until_the_restart_and_the_device_be_silent_in_it() -> None:
    steps = afterwards(running(OLD), None, running("NEW"))
    with StockDevice(Behaviour(status=steps)) as device:
        verdict = send(device)
    assert verdict.status is not None


def test_nothing_is_waited_for_where_nobody_asked() -> None:
    with StockDevice(Behaviour(status=afterwards(running(OLD)))) as device:
        assert send(device, wait=Wait.NO).status is None
    assert device.asked == 1


def test_a_device_that_does_not_know_the_question() -> None:
    with StockDevice() as device:
        verdict = send(device, timeouts=dataclasses.replace(IMPATIENT, back=600.0))
    assert verdict.status is None
    assert 1 <= device.asked <= 2


def test_an_answer_that_comes_late_is_an_answer() -> None:
    """The first question is lost; the second is asked when the connection stands."""
    behaviour = Behaviour(
        status=lambda number, digest: None if number == 1 else running(digest.hex() or OLD)
    )
    with StockDevice(behaviour) as device:
        verdict = send(device, timeouts=dataclasses.replace(TIMEOUTS, status=0.1))
    assert verdict.status is not None


def test_a_filesystem_is_not_what_runs() -> None:
    with StockDevice(Behaviour(status=afterwards(running(OLD)))) as device:
        assert send(device, kind=ImageKind.FILESYSTEM).status is None


def test_a_device_that_can_not_tell() -> None:
    with StockDevice(Behaviour(status=afterwards(running("-")))) as device:
        verdict = send(device)
    assert verdict.status is not None
    assert verdict.status.image is None


def test_silence_is_a_failure() -> None:
    error = failure(Behaviour(status=afterwards(None)), timeouts=IMPATIENT)
    assert (error.reason, error.exit_code) == (Reason.NoAnswer, 2)
    assert "accepted the image and is silent since" in error.detail


def test_the_old_image_goes_on() -> None:
    error = failure(Behaviour(status=afterwards(running(OLD))), timeouts=IMPATIENT)
    assert (error.reason, error.exit_code) == (Reason.NotRunning, 1)


@pytest.mark.parametrize("last", ["ImageNotConfirmed", "ImageRejected"])
def test_a_rollback_is_named_as_soon_as_it_is_seen(last: str) -> None:
    steps = afterwards(running(OLD), None, running(OLD, more=f" last={last}"))
    timeouts = dataclasses.replace(TIMEOUTS, restart=600.0, back=600.0)
    error = failure(Behaviour(status=steps), timeouts=timeouts)
    assert (error.reason, error.exit_code) == (Reason.NotRunning, 1)
    assert f"went back to the previous one: {Reason[last].sentence}" in error.detail


def test_a_rollback_of_an_earlier_image_is_not_taken_for_this_one_s() -> None:
    def answer(number: int, digest: bytes) -> str:
        if not digest or number < 4:
            return running(OLD, more=" last=ImageNotConfirmed")
        return running(digest.hex())

    with StockDevice(Behaviour(status=answer)) as device:
        assert send(device).status is not None


def test_confirmation_can_be_waited_for() -> None:
    states: list[State] = []
    steps = afterwards(running("NEW", "pending"), running("NEW", "pending"), running("NEW"))
    with StockDevice(Behaviour(status=steps)) as device:
        verdict = send(device, wait=Wait.CONFIRMED, on_state=states.append)
    assert verdict.status is not None
    assert verdict.status.confirmed
    assert states[-2:] == [State.RESTARTING, State.CONFIRMING]


def test_a_confirmation_that_does_not_come() -> None:
    steps = afterwards(running("NEW", "pending"))
    error = failure(Behaviour(status=steps), wait=Wait.CONFIRMED, timeouts=IMPATIENT)
    assert (error.reason, error.exit_code) == (Reason.NotConfirmedYet, 2)


def test_a_rollback_while_the_confirmation_is_waited_for() -> None:
    steps = afterwards(
        running("NEW", "pending"), None, running(OLD, more=" last=ImageNotConfirmed")
    )
    error = failure(Behaviour(status=steps), wait=Wait.CONFIRMED)
    assert (error.reason, error.exit_code) == (Reason.NotRunning, 1)


# -- proof of the password -----------------------------------------------------------------------


@pytest.mark.parametrize("stored_md5", [False, True])
def test_with_a_password_the_answer_proves_it(stored_md5: bool) -> None:  # noqa: FBT001
    behaviour = Behaviour(
        password="sesame", stored_md5=stored_md5, status=afterwards(running("NEW"))
    )
    with StockDevice(behaviour) as device:
        verdict = send(device, password="sesame", allow_weak_password=stored_md5)
    assert verdict.status is not None
    assert verdict.password_form is not None


@pytest.mark.parametrize("other", ["", "another"])
def test_what_is_not_proven_is_not_believed(other: str) -> None:
    behaviour = Behaviour(
        password="sesame", status_password=other, status=afterwards(running("NEW"))
    )
    error = failure(behaviour, password="sesame", timeouts=IMPATIENT)
    assert (error.reason, error.exit_code) == (Reason.NotAuthorized, 1)


def test_a_new_salt_is_a_restart() -> None:
    """The same old image under another salt: it has restarted, and not into ours."""
    steps = afterwards(running(OLD), running(OLD))
    behaviour = Behaviour(password="sesame", status=steps)
    with StockDevice(behaviour) as device:

        def restart(number: int, digest: bytes) -> str | None:
            if digest:
                device.salt = "6b" * 16
            return steps(number, digest)

        behaviour.status = restart
        timeouts = dataclasses.replace(TIMEOUTS, restart=600.0, back=600.0)
        with pytest.raises(Refused) as caught:
            send(device, password="sesame", timeouts=timeouts)
    assert caught.value.reason is Reason.NotRunning


# -- before anything is sent ---------------------------------------------------------------------


def test_an_image_for_another_product_is_not_announced() -> None:
    behaviour = Behaviour(status=lambda _n, _d: running(OLD, more=" product=boiler"))
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, for_product("greenhouse"))
    assert caught.value.reason is Reason.WrongProduct
    assert "for greenhouse, the device is boiler" in caught.value.detail
    assert device.heard == []


def test_an_announced_product_is_judged_too() -> None:
    why = why_no_multicast()
    if why:
        pytest.skip(why)
    with StockDevice() as device:
        lamp = Pretended(own_name("lamp"), port=device.port)
        with announced(lamp), pytest.raises(Refused) as caught:
            upload(for_product("greenhouse"), Target(lamp.name, by_service=True))
    assert caught.value.reason is Reason.WrongProduct
    assert "the device is kitchen-lamp" in caught.value.detail
    assert (device.heard, device.asked) == ([], 0)


def test_a_product_that_is_told_late_is_judged_before_the_first_byte() -> None:
    behaviour = Behaviour(asleep=0.5, status=lambda _n, _d: running(OLD, more=" product=boiler"))
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, for_product("greenhouse"), timeouts=dataclasses.replace(TIMEOUTS, status=0.1))
    assert caught.value.reason is Reason.WrongProduct
    assert device.received == b""


@pytest.mark.parametrize(
    ("image", "device_says"),
    [("greenhouse", " product=greenhouse"), ("", " product=boiler"), ("greenhouse", "")],
)
def test_products_that_fit(image: str, device_says: str) -> None:
    behaviour = Behaviour(status=lambda _n, _d: running(OLD, more=device_says))
    container = for_product(image)
    with StockDevice(behaviour) as device:
        send(device, container, wait=Wait.NO)
    assert device.received == container


def test_an_application_is_not_announced_as_a_filesystem() -> None:
    with StockDevice() as device, pytest.raises(Refused) as caught:
        send(device, for_product("greenhouse"), kind=ImageKind.FILESYSTEM)
    assert caught.value.reason is Reason.ImageKindMismatch
    assert device.heard == []


def test_an_image_that_awaits_its_confirmation_is_waited_for() -> None:
    behaviour = Behaviour(
        status=lambda number, _d: running(OLD, "pending" if number < 3 else "confirmed")
    )
    with StockDevice(behaviour) as device:
        send(device, wait=Wait.NO)
    assert device.received == CONTAINER
    assert device.asked == 3


def test_what_runs_is_welcome_while_it_awaits_its_confirmation() -> None:
    digest = hashlib.sha256(containers.parse(CONTAINER).image).hexdigest()
    with StockDevice(Behaviour(status=lambda _n, _d: running(digest, "pending"))) as device:
        verdict = send(device)
    assert device.received == CONTAINER
    assert verdict.status is not None


def test_an_image_that_is_never_confirmed_takes_no_other() -> None:
    behaviour = Behaviour(status=lambda _n, _d: running(OLD, "pending"))
    timeouts = dataclasses.replace(TIMEOUTS, trial=1.5)
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, timeouts=timeouts)
    assert caught.value.reason is Reason.NotConfirmedYet
    assert device.heard == []


def test_a_device_that_answers_questions_is_not_invited_in_the_stock_form() -> None:
    behaviour = Behaviour(understands=(), status=lambda _n, _d: running(OLD))
    with StockDevice(behaviour) as device:
        with pytest.raises(SecureOTAError) as caught:
            send(device, timeouts=dataclasses.replace(TIMEOUTS, invitation=2.5))
        assert all(text.startswith("RedWax/") for text in device.heard)
    assert caught.value.reason is Reason.NoAnswer


# -- the question alone --------------------------------------------------------------------------


def test_asking_without_and_with_a_password() -> None:
    with StockDevice(Behaviour(password="sesame", status=afterwards("-"))) as device:
        target = Target("127.0.0.1", device.port)
        status, vouched = ask_status(target, timeout=5, settings=Settings())
        assert (status.image, vouched) == (bytes.fromhex(OLD), False)
        _, vouched = ask_status(target, password="sesame", timeout=5, settings=Settings())
        assert vouched
        with pytest.raises(Refused) as caught:
            ask_status(target, password=lambda: "sesam", timeout=1.2, settings=Settings())
    assert caught.value.reason is Reason.NotAuthorized
