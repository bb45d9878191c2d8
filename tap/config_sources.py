"""Where settings come from: a TOML file and the environment, read once.

The file is what --config names, else $ARMILLARY_CONFIG, ./armillary.toml or /etc/armillary/armillary.toml.
Every key can also be an environment variable: `maxrec_default` is ARMILLARY_MAXREC_DEFAULT, and
ARMILLARY_MAXREC_DEFAULT_FILE names a file that has the value, as secrets of containers are given.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adql.errors import nearest
from tap.config import ENVIRONMENT, SETTINGS, Config
from tap.config_sections import ConfigError
from tap.registry.settings import check_registry

_FILE = "_FILE"
PLACES = (Path("armillary.toml"), Path("/etc/armillary/armillary.toml"))

_OTHERS = "TOKEN USER PASSWORD CONFIG STARTED LOG_KEY VENV SETUP_LOG SAMPLE SEED FUZZ FUZZ_SEED"
OTHER_VARIABLES = {f"{ENVIRONMENT}{name}" for name in _OTHERS.split()}
"""Variables of the command, of deploy/ and of the tests that are no settings."""
_FOREIGN = re.compile(rf"{ENVIRONMENT}(SERVICE_.*|PORT_.*)")
_FOREIGN_PORT = "tcp://"
"""What Kubernetes tells every container of a service that is called armillary."""


def load_config(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the file and the environment. Raises: ConfigError naming the key; OSError for a file that cannot be read."""
    values: dict[str, Any] = {}
    file = path or _find(environment)
    if file:
        values |= _checked(_read(file), str(file))
    values |= _checked(_of_environment(environment), "the environment")
    config = Config().changed(**values)
    check_registry(config)
    return config


def _of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among the variables; one that is given itself comes before its file.

    Raises: ConfigError for a variable that looks like one and is none; OSError for a file that cannot be read.
    """
    environment = {key: value for key, value in environment.items() if not value.startswith(_FOREIGN_PORT)}
    by_variable = {f"{ENVIRONMENT}{setting.name.upper()}": setting.name for setting in SETTINGS}
    by_file = {f"{variable}{_FILE}": name for variable, name in by_variable.items()}
    for key in environment:
        if key.startswith(ENVIRONMENT) and not (key in by_variable or key in by_file or _is_other(key)):
            raise ConfigError(
                f"the environment: there is no setting {key}. {nearest(key, list(by_variable)) or ''}".strip()
            )
    of_files = {
        name: Path(environment[key]).read_text("utf-8").strip() for key, name in by_file.items() if key in environment
    }
    return of_files | {by_variable[key]: value for key, value in environment.items() if key in by_variable}


def _is_other(key: str) -> bool:
    return key in OTHER_VARIABLES or _FOREIGN.fullmatch(key) is not None


def _find(environment: Mapping[str, str]) -> Path | None:
    if path := environment.get(f"{ENVIRONMENT}CONFIG"):
        return Path(path)
    return next((place for place in PLACES if place.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error


def _checked(values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    known = {setting.name: setting for setting in SETTINGS}
    typed = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"{origin}: there is no setting {name}. {nearest(name, list(known)) or ''}".strip())
        typed[name] = _typed(name, value, known[name].type, origin)
    return typed


_TRUTHS = {"true": True, "false": False}


def _typed(name: str, value: Any, type_: Any, origin: str) -> Any:
    try:
        return _TRUTHS[str(value).lower()] if type_ is bool else type_(value)
    except KeyError:
        raise ConfigError(f"{origin}: {name} must be true or false, not {value!r}") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{origin}: {name} must be {type_.__name__}, not {value!r}") from error
