"""`deploy.sh` refuses each setting at which a function would not start, and reads the same addresses."""

import os
import subprocess

import pytest

from gateway.destinations import read_destinations
from gateway.errors import SettingError
from gateway.settings import load
from tests.support.gcloud import ROOT

BOT, N8N = "https://bot.example.com/bitrix", "https://n8n.example.com/webhook/1c"


def settled(command: str, **settings: str) -> str:
    """What a command of `deploy/lib` prints once the settings are checked; wrong ones end in exit code 2."""
    files = "".join(
        f"source deploy/lib/{name}.sh; " for name in ("texts", "names", "settings", "gcloud", "queue")
    )
    script = ["bash", "-euo", "pipefail", "-c", f"{files} OFFLINE=1; settle; {command}"]
    environ = {"PATH": os.environ["PATH"]} | settings
    return subprocess.run(script, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout


def subscriptions_of(setting: str) -> list[list[str]]:
    """The ID and the filter of each destination in `FORWARD_TO`, as `deploy.sh` reads it."""
    return [line.split("|") for line in settled("destinations", FORWARD_TO=setting).splitlines()]


def known_ids(setting: str) -> list[str]:
    """The IDs by which `forward_event` knows the destinations."""
    return [destination.id for destination in read_destinations(setting)]


@pytest.mark.parametrize(
    ("setting", "filters"),
    [
        (
            f"{BOT}#ONTASKADD {N8N} {BOT}#OnTaskUpdate",
            ['attributes.event = "ONTASKADD" OR attributes.event = "ONTASKUPDATE"', ""],
        ),
        (
            f"{BOT}#ONTASKADD {BOT}#ontaskadd,ONTASK* {BOT}#ONTASKADD",
            ['attributes.event = "ONTASKADD" OR hasPrefix(attributes.event, "ONTASK")'],
        ),
        (f"{BOT}#ONTASKADD {BOT}", [""]),
        (f"{BOT}# {BOT}#ONTASKADD", [""]),
        (f"{BOT}#ONTASKADD {BOT}#*", [""]),
        (f"  {N8N}   {N8N} ", [""]),
        ("", []),
    ],
)
def test_an_address_that_is_there_twice_is_one_destination(setting: str, filters: list[str]) -> None:
    """As `read_destinations` sees it: two subscriptions would deliver each event twice."""
    subscriptions = subscriptions_of(setting)
    assert [text for _, text in subscriptions] == filters
    assert [name[-8:] for name, _ in subscriptions] == known_ids(setting)


@pytest.mark.parametrize(
    "setting",
    [
        f"{BOT}\n{N8N}\n",
        f"{BOT}\r\n",
        f"{BOT}\t{N8N}\v",
        f"{BOT}\u00a0{N8N}",
        "https://bot.example.com:8443?a=b,c#OnTaskAdd",
        "https://bot.example.com:1/ https://bot.example.com:59999/ https://bot.example.com:65535/",
        "https://[2001:db8::1]:8443/ https://бот.рф/",
        f"{BOT}/*$HOME`'\"\\%20",
    ],
)
def test_deploy_and_the_function_read_the_same_addresses(setting: str) -> None:
    """An event of a subscription that the function does not know is acknowledged, so lost."""
    assert [name[-8:] for name, _ in subscriptions_of(setting)] == known_ids(setting) != []


@pytest.mark.parametrize(
    "setting",
    [
        "https://bot.example.com:0/",
        "https://bot.example.com:65536/",
        "https://bot.example.com:70000/",
        "https://bot.example.com:99999/",
        "https://bot.example.com:100000/",
        "https://bot.example.com:x/",
        "https://:443/",
        "https:///hook",
        "https://[::1/",
        "https://bot]/",
        f"{BOT}#**",
        f"{BOT}#онтаск",
        f"{BOT}#ONTASKADD#ONTASKUPDATE",
        f"{BOT},{N8N}",
        f"{BOT};{N8N}",
        "http://bot.example.com/",
    ],
)
def test_deploy_refuses_addresses_at_which_the_function_would_not_start(setting: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — any text of it
        read_destinations(setting)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        subscriptions_of(setting)
    assert refused.value.returncode == 2
    assert "FORWARD_TO" in refused.value.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BITRIX24_DOMAIN", ""),
        ("BITRIX24_DOMAIN", "p.bitrix24.ru"),
        ("BITRIX24_DOMAIN", "https://P.Bitrix24.ru/"),
        ("BITRIX24_DOMAIN", "http://p.bitrix24.ru/stream"),
        ("BITRIX24_DOMAIN", "portal_1.example.com:65535"),
        ("BITRIX24_DOMAIN", "портал.рф"),
        ("BITRIX24_DOMAIN", "1с-портал.рф"),
        ("BITRIX24_TELEGRAM_FIELD_NAME", "UF_USR_1700000000000"),
    ],
)
def test_deploy_accepts_what_the_functions_accept(name: str, value: str) -> None:
    load({name: value}, dotenv=None)
    assert settled(f'echo "${name}"', **{name: value}).strip() == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BITRIX24_DOMAIN", "portal"),
        ("BITRIX24_DOMAIN", "portal:443"),
        ("BITRIX24_DOMAIN", "..."),
        ("BITRIX24_DOMAIN", "p.bitrix24.ru:0"),
        ("BITRIX24_DOMAIN", "p.bitrix24.ru:65536"),
        ("BITRIX24_DOMAIN", "http://p.bitrix24.ru:8080"),
        ("BITRIX24_DOMAIN", "user@p.bitrix24.ru"),
        ("BITRIX24_DOMAIN", "рortal.bitrix24.ru"),
        ("BITRIX24_DOMAIN", "p.bitriх24.ru"),
        ("BITRIX24_TELEGRAM_FIELD_NAME", "1C_FIELD"),
        ("BITRIX24_TELEGRAM_FIELD_NAME", "UF-USR"),
        ("LOG_LANGUAGE", "de"),
    ],
)
def test_deploy_refuses_a_value_at_which_the_functions_would_not_start(name: str, value: str) -> None:
    with pytest.raises(SettingError):
        load({name: value}, dotenv=None)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        settled(":", **{name: value})
    assert refused.value.returncode == 2
    assert name in refused.value.stderr
