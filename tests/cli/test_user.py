from pathlib import Path

import pytest

from retailops.cli import main
from retailops.hub.accounts.models import User


def code_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("correct horse battery\n")
    return file


@pytest.mark.django_db
def test_add(password_file: Path) -> None:
    assert (
        code_of("user", "add", "ann", "--email", "ann@example.com", "--password-file", str(password_file))
        == 0
    )
    ann = User.objects.get(username="ann")
    assert ann.check_password("correct horse battery")
    assert (ann.email, ann.is_staff, ann.is_superuser) == ("ann@example.com", True, False)


@pytest.mark.django_db
def test_add_admin(password_file: Path) -> None:
    assert code_of("user", "add", "root", "--admin", "--password-file", str(password_file)) == 0
    assert User.objects.get(username="root").is_superuser


@pytest.mark.django_db
def test_an_existing_user_is_kept(password_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("ann", password="her own password")
    assert code_of("user", "add", "ann", "--password-file", str(password_file)) == 1
    assert "there is a user ann already; choose another name" in capsys.readouterr().err
    assert code_of("user", "add", "ann", "--unless-exists", "--password-file", str(password_file)) == 0
    assert User.objects.get(username="ann").check_password("her own password")


@pytest.mark.django_db
def test_a_weak_password_is_refused(password_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password_file.write_text("password")
    assert code_of("user", "add", "ann", "--password-file", str(password_file)) == 1
    assert "the password of ann is refused: This password is too short" in capsys.readouterr().err
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_missing_password_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("user", "add", "ann", "--password-file", str(tmp_path / "none")) == 1
    assert "none: No such file or directory" in capsys.readouterr().err
