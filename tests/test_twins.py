"""House: a newcomer finds the tests of a module from its name, and the module from its tests."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def packages_with_tests():
    for test in (ROOT / "tests").rglob("test_*.py"):
        yield test.parent.relative_to(ROOT / "tests"), test.stem.removeprefix("test_")


def test_every_package_of_the_house_has_tests():
    tested = {str(folder).replace("/", ".") for folder, _ in packages_with_tests()}
    packages = {
        folder.relative_to(ROOT / "hookagent").as_posix().replace("/", ".")
        for folder in (ROOT / "hookagent").iterdir()
        if folder.is_dir() and (folder / "__init__.py").exists()
    }

    assert packages - tested == set()


def test_every_module_of_the_ground_has_its_twin():
    ground = {path.stem for path in (ROOT / "hookagent").glob("*.py")} - {
        "__init__",
        "__main__",
        "version",
        "runtime",
    }
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}

    assert ground - tests == set()
