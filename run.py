"""The command line; nothing else."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

from training.threads import look, wait_politely

INTERRUPTED = 130
GOES_ON = "interrupted; the same command goes on where it was"


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave at once: before a command has begun there is nothing to put away."""
    os.write(2, f"{GOES_ON}\n".encode())
    os._exit(INTERRUPTED)


def _on_interrupt(action: signal.Handlers | object) -> None:
    """Set what Ctrl-C does, unless whoever started this has it ignored."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, action)  # type: ignore[arg-type]


if __name__ == "__main__":
    _on_interrupt(_leave)
_AT_FIRST = look()  # who else is at work, while the command line is loaded

import typer  # noqa: E402
from typer.core import TyperCommand  # noqa: E402

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Refine human skeletons, recognise actions, and measure what refining is worth.",
)

HERE = Path(__file__).parent
OnError = Literal["stop", "skip"]
Split = Literal["xsub", "xview", "xsub120", "xset120"]
Config = Annotated[Path | None, typer.Argument(help="A YAML file; by default configs/<stage>/default.yaml.")]
Overrides = Annotated[list[str] | None, typer.Argument(help="Any number of section.key=value.")]
Again = Annotated[
    bool,
    typer.Option("--again", help="Replace what an earlier run of this command made there; without, that is kept."),
]

Missing = Annotated[
    bool, typer.Option("--missing", help="Convert also where joints cannot be had; they are then never seen.")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto, cpu or cuda.")]
Names = Annotated[
    str | None, typer.Option(help="`ntu`, or a YAML file: a name per action in order, or lines like `103: name`.")
]
ImageSize = Annotated[
    str | None,
    typer.Option(help="WIDTHxHEIGHT in pixels of the image that joints lie in, where files do not say it."),
]


def _size(said: str | None) -> tuple[int, int] | None:
    from base.errors import InputError

    if said is None:
        return None
    width, _, height = said.lower().partition("x")
    if not all(side.isdecimal() and side.isascii() and 1 <= int(side[:8]) < 2**20 for side in (width, height)):
        raise InputError(f"--image-size {said}: expected width and height in pixels, such as 1920x1080")
    return int(width), int(height)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"steady-skeletons {_version()}")
        raise typer.Exit


def _version() -> str:
    """Return the version of what is installed, or where nothing is, of this folder."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("steady-skeletons")
    except PackageNotFoundError:
        pass
    try:
        return str(tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "of unknown version"


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    wait_politely(_AT_FIRST)  # before a command loads torch
    if context.invoked_subcommand is None:
        print(context.get_help())


def _arguments(stage: str, config: Path | None, overrides: list[str] | None) -> tuple[Path, list[str]]:
    """Tell the configuration's path from the overrides: the path is optional and comes first."""
    words = list(overrides or [])
    if config is not None and "=" in str(config):
        words.insert(0, str(config))
        config = None
    return config or HERE / "configs" / stage / "default.yaml", words


def _print_run(show: Callable[[], None], folder: Path, there: bool) -> None:
    """Print the results of a run, and whether they were there already."""
    from training.runs import already_finished, showing

    if not there:
        show()
        return
    with showing(folder):
        show()
    print(already_finished(folder))


@app.command()
def prepare(config: Config = None, overrides: Overrides = None, again: Again = False) -> None:
    """Turn NTU RGB+D .skeleton files (a zip or a folder) into a clip store."""
    from base.config import load_config
    from data.ntu.prepare import PrepareConfig, describe
    from data.ntu.prepare import prepare as run

    settings = load_config(PrepareConfig, *_arguments("prepare", config, overrides))
    there = settings.data.store.exists() and not again
    print(describe(run(settings, again)))
    if there:
        print(f"{settings.data.store}: already prepared, nothing was done; pass --again to prepare it again")


@app.command()
def cut(config: Config = None, overrides: Overrides = None, again: Again = False) -> None:
    """Cut the pairs of a pose benchmark into clips: a store of detected skeletons and one of true ones."""
    from base.config import load_config
    from refine.benchmarks.cut import CutConfig, cut_pairs

    print("\n".join(cut_pairs(load_config(CutConfig, *_arguments("cut", config, overrides)), again)))


@app.command()
def refine(config: Config = None, overrides: Overrides = None, again: Again = False) -> None:
    """Train SmoothNet, evaluate it on pose benchmarks, and apply it to a clip store."""
    from base.config import load_config
    from refine.config import RefineConfig
    from refine.stage import is_finished
    from refine.stage import refine as run
    from refine.terminal import print_results

    settings = load_config(RefineConfig, *_arguments("refine", config, overrides))
    there = is_finished(settings) and not again
    results = run(settings, again)
    _print_run(lambda: print_results(results, settings), settings.run.dir, there)


@app.command()
def recognize(config: Config = None, overrides: Overrides = None, again: Again = False) -> None:
    """Train and test ST-GCN on one clip store."""
    from base.config import load_config
    from recognition.config import RecognizeConfig
    from recognition.stage import is_finished
    from recognition.stage import recognize as run
    from recognition.terminal import print_results
    from training.distributed import is_first

    settings = load_config(RecognizeConfig, *_arguments("recognize", config, overrides))
    there = is_finished(settings) and not again
    results = run(settings, again)
    if is_first():
        _print_run(lambda: print_results(results, settings), settings.run.dir, there)


@app.command()
def ablate(config: Config = None, overrides: Overrides = None, again: Again = False) -> None:
    """Compare raw with refined skeletons, all of it, and write the report."""
    from ablation.stage import IncompleteError
    from ablation.stage import ablate as run
    from ablation.study.config import AblateConfig
    from ablation.terminal import print_ablation
    from base.config import load_config

    try:
        print_ablation(run(load_config(AblateConfig, *_arguments("ablate", config, overrides)), again))
    except IncompleteError as error:
        print_ablation(error.ablation)
        raise


Model = Annotated[
    list[Path] | None,
    typer.Option(
        "--model",
        "-m",
        help="A finished run of recognize, its best.pt, or a published folder; several add up. By default the one that "
        "is shipped, `first`, which has learned from simulated actions.",
    ),
]


@app.command()
def predict(
    clips: Annotated[
        list[Path], typer.Argument(help=".skeleton files, files that smooth reads, folders of them, clip stores.")
    ],
    model: Model = None,
    output: Annotated[Path, typer.Option(help="Where to save: .csv or .json.")] = Path("predictions.csv"),
    names: Names = None,
    samplings: Annotated[int | None, typer.Option(min=1, max=64, help="Samplings per clip.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Clips at a time.")] = 32,
    device: Device = "auto",
    on_error: Annotated[
        OnError, typer.Option(help="stop or skip: what to do with clips that cannot be used.")
    ] = "stop",
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of files; as they say, else as in the training, by default.")
    ] = None,
    refine: Annotated[
        str | None,
        typer.Option(help="Refine first: steady or other shipped weights, a run of refine, or a filter's name."),
    ] = None,
    missing: Missing = False,
    image_size: ImageSize = None,
) -> None:
    """Print and save the five likeliest actions of each clip."""
    from recognition.terminal import print_predictions
    from recognition.use.first import FIRST, NOTE
    from recognition.use.predict import predict_clips

    found = predict_clips(
        clips,
        model or [FIRST],
        output=output,
        names=names,
        samplings=samplings,
        batch=batch,
        device=device,
        on_error=on_error,
        fps=fps,
        refine=None if refine is None else _refiner(refine),
        missing=missing,
        image_size=_size(image_size),
    )
    print_predictions(found, output)
    if not model:
        print(NOTE)


@app.command()
def watch(
    source: Annotated[
        str, typer.Argument(help="`-`: JSON on standard input, a pose a line; or a folder that OpenPose writes to.")
    ] = "-",
    overrides: Overrides = None,
    model: Model = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file; configs/watch/default.yaml by default.")] = None,
    names: Names = None,
    device: Device = "auto",
    refine: Annotated[
        str | None, typer.Option(help="Refine first: steady, or weights of python -m refine.live.train.")
    ] = None,
    show: Annotated[
        Literal["auto", "json", "table"],
        typer.Option(help="json: a line for each decision; table: on the terminal; auto: a table if it is one."),
    ] = "auto",
) -> None:
    """Say what is done in a stream of poses while it comes, several times a second, until it ends or Ctrl-C."""
    from base.config import load_config
    from recognition.live.config import WatchConfig
    from recognition.live.watch import of_source, open_live, show_table, write_lines
    from recognition.live.watch import watch as run
    from recognition.use.clip_files import print_line
    from recognition.use.first import FIRST, NOTE

    words = list(overrides or [])
    if "=" in source and not Path(source).exists():
        source, words = "-", [source, *words]
    settings = load_config(WatchConfig, *_arguments("watch", config, words))
    live = open_live(settings, model or [FIRST], names, device, None if refine is None else _live_refiner(refine))
    if not model:
        print_line(NOTE)
    decisions = run(live, of_source(source, live, settings.idle))
    try:
        if show == "table" or (show == "auto" and sys.stdout.isatty()):
            show_table(decisions)
        else:
            write_lines(decisions, sys.stdout)
    except KeyboardInterrupt:
        pass  # that is how a watch ends; each line was written when it was made


def _live_refiner(model: str) -> Any:
    from base.errors import InputError
    from refine import Stream

    def open_stream(fps: float, lag: int) -> Any:
        try:
            return Stream(fps, lag, model)
        except InputError as error:
            raise InputError(f"--refine: {error}") from None

    return open_stream


@app.command()
def publish(
    run: Annotated[Path, typer.Argument(help="A finished run of recognize or refine.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    again: Again = False,
) -> None:
    """Write a trained recogniser or refiner for others: weights, recipe, joints, actions, scores, and a card."""
    from refine.publish import is_refine_run

    if is_refine_run(run):
        from refine.publish import publish as write
    else:
        from recognition.use.publish import publish as write
    print("\n".join(write(run, folder, again)))


def _refiner(name: str) -> Any:
    from base.errors import InputError
    from refine.of_tracks import refiner_of_tracks

    try:
        return refiner_of_tracks(name)
    except InputError as error:
        raise InputError(f"--refine: {error}") from None


@app.command("export-onnx")
def export_onnx(
    model: Annotated[
        Path,
        typer.Option("--model", "-m", help="A finished run of recognize or refine, or its best.pt; or `steady`."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="The .onnx file; recognizer.onnx or refiner.onnx by default.")
    ] = None,
) -> None:
    """Write a trained recogniser or a refiner as ONNX, checked against Python."""
    from recognition.use.first import shipped
    from refine.onnx_export import export as export_refiner
    from refine.onnx_export import is_refiner

    model = shipped(model)
    if is_refiner(model):
        output = output or Path("refiner.onnx")
        print(f"{output}: refined poses differ from Python's by at most {export_refiner(model, output):.1g}")
        return
    from recognition.use.onnx_export import export

    output = output or Path("recognizer.onnx")
    gap = export(model, output)
    print(f"{output}: probabilities differ from PyTorch's by at most {gap:.1g}")


@app.command()
def explain(
    clips: Annotated[Path, typer.Argument(help="A .skeleton file; or a folder, zip or store with --clip.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="A finished run of recognize, or its best.pt.")],
    clip: Annotated[str | None, typer.Option(help="Which clip, by its name.")] = None,
    action: Annotated[int | None, typer.Option(help="Whose score to explain; the likeliest action by default.")] = None,
    names: Names = None,
    output: Annotated[Path, typer.Option(help="The figure, .png or .svg.")] = Path("explanation.png"),
    device: Device = "auto",
) -> None:
    """Show which joints and frames a recogniser's decision rests on."""
    from recognition.terminal import print_explanation
    from recognition.use.explain_report import explain as run

    found = run(clips, model, name=clip, action=action, names=names, output=output, device=device)
    print_explanation(found, output)


@app.command()
def show(
    clip: Annotated[str, typer.Argument(help="A clip's name in --store, or the path of a .skeleton file.")],
    store: Annotated[Path | None, typer.Option(help="The raw clip store.")] = None,
    refined: Annotated[
        Path | None, typer.Option(help="The store that was refined from it, to draw the clip from both.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Instead of --refined: what to refine it with: `steady`, a finished run of refine, or its best.pt."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A .png, .pdf, .svg, .gif or .mp4 to write; CLIP.png by default.")
    ] = None,
) -> None:
    """Draw a clip, alone or raw against refined, with its Accel per frame."""
    from refine.show import show as draw

    print(draw(clip, output, store=store, refined=refined, checkpoint=checkpoint))


class _WithFormats(TyperCommand):
    """A command whose help ends in the formats that there are, looked up only when it is shown."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        if self.name == "smooth":
            from data.recordings.guessing import describe_recordings as describe
        elif self.name == "export":
            from data.formats.exporting import describe_outputs as describe
        else:
            from data.formats.importing import describe_inputs as describe
        with formatter.section("Formats"):
            formatter.write_dl(describe())


@app.command(cls=_WithFormats)
def export(
    store: Annotated[Path, typer.Argument(help="A clip store.")],
    output: Annotated[Path, typer.Argument(help="A file or a folder, as the format has it.")],
    format: Annotated[str, typer.Option(help="Whose files: one of those below; see docs/formats.md.")],
    dtype: Annotated[Literal["float16", "float32"] | None, typer.Option(help="The numbers of positions.")] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Only this evaluation protocol instead of both of the data set's, 60 or 120."),
    ] = None,
    positions: Annotated[
        Literal["stored", "prepared"] | None, typer.Option(help="As the project prepares its own files, or as stored.")
    ] = None,
    again: Again = False,
) -> None:
    """Write a clip store as other people's files."""
    from data.formats.exporting import ExportOptions, export_store

    print("\n".join(export_store(store, output, ExportOptions(format, dtype, split, positions), again)))


@app.command("import", cls=_WithFormats)
def import_(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The file or folder to read.")],
    store: Annotated[Path, typer.Argument(help="The clip store to write.")],
    format: Annotated[
        str | None, typer.Option(help="Whose files: one of those below; by default guessed from the input.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A list of the clips' names, one a line, for files that have none.")
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="The evaluation protocol by which a file is divided, or whose files to read."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A CSV table: clip and action, and any of subject, camera, session, split."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="The joints, by a layout's name or a YAML file; by default told by their number.")
    ] = None,
    convert: Annotated[
        str | None, typer.Option(help="The joints that the store shall have, likewise; as they are read by default.")
    ] = None,
    missing: Missing = False,
    people: Annotated[
        int | None, typer.Option(help="So many people of a clip are kept at most, those seen best; 2 by default.")
    ] = None,
    image_size: ImageSize = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of the recordings; as the files say, else 30, by default.")
    ] = None,
    units: Annotated[
        Literal["m", "cm", "mm"], typer.Option(help="What positions in space are in; a store has metres.")
    ] = "m",
    on_error: Annotated[
        OnError, typer.Option(help="stop or skip: what to do with clips that cannot be used.")
    ] = "stop",
    again: Again = False,
) -> None:
    """Read other people's files into a clip store."""
    from data.formats.importing import ImportOptions, import_store

    size = _size(image_size)
    options = ImportOptions(format, names, split, fps, units, labels, layout, convert, missing, people, size, on_error)
    print("\n".join(import_store(source, store, options, again)))


@app.command("convert")
def convert_(
    store: Annotated[Path, typer.Argument(help="A clip store.")],
    output: Annotated[Path, typer.Argument(help="The clip store to write.")],
    layout: Annotated[str, typer.Option(help="The joints to write, by a layout's name or a YAML file.")],
    missing: Missing = False,
    again: Again = False,
) -> None:
    """Write a clip store with the joints of another layout."""
    from data.skeletons.convert_store import convert_store

    print("\n".join(convert_store(store, output, layout, missing, again)))


@app.command("join")
def join_(
    stores: Annotated[list[Path], typer.Argument(metavar="STORE", help="Clip stores of own names, two or more.")],
    output: Annotated[Path, typer.Argument(help="The clip store to write.")],
    same_people: Annotated[
        bool,
        typer.Option("--same-people", help="Subjects of one name in several stores are one; they are not otherwise."),
    ] = False,
    again: Again = False,
) -> None:
    """Write the clips of several stores into one."""
    from data.skeletons.join_stores import join_stores

    print("\n".join(join_stores(stores, output, same_people, again)))


@app.command(cls=_WithFormats)
def smooth(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="Files of trackers, folders of a file per frame, or of these.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Where to write, for several a folder; NAME_refined.EXT beside each by default.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second; by default as the file or --video says.")
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(help="The video the file was made from: it tells the rate, and the page shows it."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Whose files: one of those below; by default guessed from their content.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="steady or other shipped weights, a finished run of refine or its best.pt, gaussian, one_euro, "
            "savitzky_golay or butterworth."
        ),
    ] = "steady",
    strength: Annotated[float, typer.Option(help="From 0, the input, to 1.")] = 1.0,
    fill: Annotated[float, typer.Option(help="Fill gaps of at most so many seconds.")] = 0.0,
    min_confidence: Annotated[float, typer.Option(help="Leave joints below it alone, 0 to 1.")] = 0.0,
    workers: Annotated[int, typer.Option(help="Processes, each at an input of its own.")] = 1,
    on_error: Annotated[
        OnError, typer.Option(help="stop or skip: what to do with inputs that cannot be used.")
    ] = "stop",
    executor: Annotated[
        str,
        typer.Option(help="processes, here (one after another), or ray: a cluster at RAY_ADDRESS, or this machine."),
    ] = "processes",
    plot: Annotated[bool, typer.Option("--plot", help="Also write NAME_refined.html, which plays both.")] = False,
    again: Again = False,
) -> None:
    """Refine files of other tools: the same files once more, with nothing but the positions changed."""
    from refine.files.smoothing import Smoothing
    from refine.files.stage import Scale
    from refine.files.stage import smooth as run

    smoothing = Smoothing(fps, video, format, model, strength, fill, min_confidence, plot, again, _version())
    for line in run(inputs, output, smoothing, Scale(workers, on_error, executor)):
        print(line)


@app.command()
def keys(
    command: Annotated[
        str | None, typer.Argument(help="Whose: a stage's, such as recognize, or another command's; all if left out.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a page: this is how docs/keys.md is made.")] = False,
) -> None:
    """List every key of a stage's configuration, or option of a command: its meaning, what it may be, its default."""
    from ablation.study.config import AblateConfig
    from base.errors import InputError
    from base.keys import all_of, as_page, as_text
    from base.shown import shown
    from data.ntu.prepare import PrepareConfig
    from recognition.config import RecognizeConfig
    from recognition.live.config import WatchConfig
    from refine.benchmarks.cut import CutConfig
    from refine.config import RefineConfig

    known: dict[str, Any] = {
        "prepare": PrepareConfig,
        "cut": CutConfig,
        "refine": RefineConfig,
        "recognize": RecognizeConfig,
        "ablate": AblateConfig,
        "watch": WatchConfig,
    }
    functions = [(found.name, found.callback) for found in app.registered_commands if found.callback]
    for name, function in functions:
        known.setdefault(name or function.__name__, function)
    if command is not None and command not in known:
        raise InputError(f"keys: found {shown(command)}, expected one of {', '.join(known)}")
    chosen = known if command is None else {command: known[command]}
    if markdown:
        print(as_page(chosen))
    else:
        print("\n\n".join(as_text(all_of(what)) for what in chosen.values()))


def _at_home(word: str) -> str:
    """Replace `~` in `--option=~/file`, which shells leave alone, by the home folder."""
    option, separator, value = word.partition("=~/")
    return f"{option}={Path('~').expanduser()}/{value}" if separator and option.startswith("--") else word


def _told(error: typer.TyperException) -> str:
    """Say what is wrong with a command line: what was found where, and where it stands what there is."""
    said, cause = error.format_message(), error.__cause__
    if isinstance(cause, ValueError) and hasattr(cause, "errors"):  # pydantic's, which knows what was found
        said = f"{error.param.opts[0]} {cause.errors()[0]['input']}: {error.message}"  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    return said if context is None else f"{said.rstrip('.')}; see `{context.command_path} --help`"


def main() -> int:
    """Run the command line; 0 done, 1 nobody reads the output, 2 the user's mistake, 130 interrupted."""
    from base.errors import InputError
    from base.files import NO_ROOM
    from base.shown import one_line

    interrupts = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    _on_interrupt(interrupt)
    status = INTERRUPTED
    sys.argv[1:] = [_at_home(word) for word in sys.argv[1:]]
    try:
        status = int(app(standalone_mode=False) or 0)  # typer itself turns Ctrl-C into this status
        sys.stdout.flush()
    except (typer.TyperException, InputError) as error:
        said = _told(error) if isinstance(error, typer.TyperException) else str(error)
        print(f"error: {one_line(said).replace(': Value error, ', ': ', 1)}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it is flushed, and fails, again at the end
        return 1
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            print(f"error: {one_line(str(error.filename)[:80])}...: the name is too long for a file", file=sys.stderr)
            return 2
        if error.errno not in NO_ROOM:
            raise
        what = f"{error.filename or 'a file'}: cannot be written ({error.strerror}); make room and run it again"
        print(f"error: {one_line(what)}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        pass
    except Exception:
        if not interrupts:
            raise  # a library whose import is interrupted may fail in a way of its own
    if status == INTERRUPTED:
        print(GOES_ON, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
