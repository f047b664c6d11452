"""The default AppArmor profile: its name goes with its rules, and apparmor_parser takes it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from argosy.spec import apparmor

PARSER = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")


def test_the_name_changes_with_the_rules() -> None:
    assert f"argosy-default-{hashlib.sha256(apparmor.RULES.encode()).hexdigest()[:8]}" == apparmor.NAME


@pytest.mark.skipif(PARSER is None, reason="apparmor_parser (Debian: apparmor) is not installed")
def test_the_parser_takes_it() -> None:
    words = [str(PARSER), "--skip-kernel-load", "--skip-cache", "--debug"]
    done = subprocess.run(words, input=apparmor.profile(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert apparmor.NAME in done.stdout + done.stderr
    broken = subprocess.run(
        words, input=apparmor.profile().replace("umount,", "umount"), capture_output=True, text=True, check=False
    )
    assert broken.returncode != 0


@pytest.mark.skipif(PARSER is None, reason="apparmor_parser (Debian: apparmor) is not installed")
def test_the_profile_for_argosy_itself() -> None:
    """`userns,` and its ABI came with AppArmor 4.0: an older parser gets the rest."""
    shipped = Path(__file__).parents[3] / "docs/apparmor.d/argosy"
    text = shipped.read_text()
    assert "\n  userns,\n" in text
    if not os.path.exists("/etc/apparmor.d/abi/4.0"):
        text = text.replace("abi/4.0", "abi/3.0").replace("  userns,\n", "")
    done = subprocess.run(
        [str(PARSER), "--skip-kernel-load", "--skip-cache"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
