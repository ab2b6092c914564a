"""The page `docs/demo.html`: one file with the weights and all scripts in it.

python -m refine.browser.page docs/demo.html
"""

import base64
import sys
from pathlib import Path

from base.files import atomic_file
from refine.steady.smoother import WEIGHTS

HERE = Path(__file__).parent


def page() -> str:
    """Return the page."""
    text = (HERE / "demo.html").read_text()
    parts = {"weights": base64.b64encode(WEIGHTS.read_bytes()).decode()}
    parts |= {name: (HERE / f"{name}.js").read_text() for name in ("steady", "files", "demo")}
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part, 1)
    return text


def main() -> None:
    """Write the page where the first word says."""
    with atomic_file(Path(sys.argv[1])) as temporary:
        temporary.write_text(page())


if __name__ == "__main__":
    main()
