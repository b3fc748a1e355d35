"""Terraform's commands as the toolkit needs them: checked plans, typed events, errors with a way out.

OpenTofu has the same commands and answers in the same forms; `program.chosen` says which of the two runs.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.errors import Interrupted, TerraformFailed, TerraformMissing, UsageError
from toolkit.infra import diagnosis, events, plan, process, scrub, state
from toolkit.infra.endpoint import require_listener
from toolkit.infra.events import Diagnostic, Event, Log, Progress, Stage, Summary
from toolkit.infra.mirror import MIRROR_VARIABLE, child_environment, decides_itself, find_mirror, named_mirror
from toolkit.infra.program import MINIMUM, Program, chosen, numbers

_HAS_CHANGES = 2  # exit code of `plan -detailed-exitcode`

Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to plan. `variables` are NAME=VALUE in Terraform's own spelling; `replace` are addresses."""

    variables: tuple[str, ...] = ()
    variable_files: tuple[Path, ...] = ()
    replace: tuple[str, ...] = ()
    destroy: bool = False


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was written and read. The file lives as long as the `planned` block it came from."""

    path: Path
    changes: plan.PlannedChanges
    has_changes: bool  # Terraform's own word (-detailed-exitcode), which also counts what is no resource
    destroy: bool


@dataclass(frozen=True, slots=True)
class OutputValue:
    """One output. A sensitive one has no value here: it is never kept."""

    value: Any = field(repr=False)
    sensitive: bool


class Terraform:
    """Terraform in one directory. `listener` hears what it says while it works.

    `environ` is what the child inherits (see `mirror.child_environment`), `endpoint_url` where it finds AWS.
    """

    def __init__(
        self,
        directory: Path,
        *,
        environ: Mapping[str, str],
        endpoint_url: str | None = None,
        listener: Listener = lambda _event: None,
    ) -> None:
        self.directory = directory.absolute()
        self._environ = child_environment(environ, endpoint_url=endpoint_url)
        self._listener = listener
        self._scrub = scrub.of_environment(self._environ)
        self._chosen: Program | None = None
        self._version = ""

    @property
    def program(self) -> Program:
        """The program that runs.

        Raises:
            TerraformMissing: there is none.
        """
        if self._chosen is None:
            self._chosen = chosen(self._environ)
        return self._chosen

    def version(self) -> str:
        """The program's version, in its own numbering.

        Raises:
            TerraformMissing: there is no program, it cannot be run, or it is too old.
        """
        program = self.program
        version = str(self._json("version").get("terraform_version", ""))
        told = numbers(version)
        if told is None:
            raise TerraformMissing(f"{program.command} says its version is {version!r}.", hint=program.get_it)
        if told < MINIMUM:
            raise TerraformMissing(f"{program.name} {version} is too old.", hint=program.get_it)
        self._version = version
        return version

    def init(self, *, upgrade: bool = False) -> Path | None:
        """Install modules and providers; returns the mirror they came from, None for a registry.

        A mirror that BLUEGREEN_TF_MIRROR names is all there is. One that was merely found is tried first, and
        the registry after it: it may hold too old a version, or lack another provider.

        Raises:
            ProviderUnavailable: a provider is to be had neither way.
            TerraformFailed: anything else went wrong.
        """
        self._ready()
        program = self.program
        named = named_mirror(self._environ, program=program)
        mirror = named
        if mirror is None and not decides_itself(self._environ, program=program):
            mirror = find_mirror(self._environ, directory=self.directory, program=program)
        missing = self._install(mirror, upgrade=upgrade)
        if not missing:
            return mirror
        if named is not None:
            raise diagnosis.no_provider(
                missing,
                registry=f"the mirror {named} lacks what this configuration needs",
                hint=f"Add it with `{program.name} providers mirror {named}` where there is a network, "
                f"or unset {MIRROR_VARIABLE} to use the public registry.",
            )
        reasons = missing
        if mirror is not None:
            self._hear(Log(f"The mirror {mirror} does not serve ({missing}); asking the registry."))
            reasons = self._install(None, upgrade=upgrade)
            if not reasons:
                return None
            reasons = f"{reasons}; nor from the mirror {mirror}: {missing}"
        others = find_mirror(self._environ, directory=self.directory, program=program.other)
        raise diagnosis.no_provider(
            reasons,
            registry="a provider cannot be had from its registry",
            hint=f"Where the registry cannot be reached, set {MIRROR_VARIABLE} to a directory filled by "
            f"`{program.name} providers mirror DIR`."
            + (f" {others} is one for {program.other.product} alone." if others and others != mirror else ""),
        )

    @contextmanager
    def planned(self, wish: Wish) -> Iterator[SavedPlan]:
        """Plan into a private file, which is gone after the block: a plan holds every secret of the state.

        Raises:
            AwsUnreachable: nothing listens at the endpoint.
            TerraformMissing: a newer version wrote the state.
            TerraformFailed: it could not be planned, or not be read; nothing was changed.
        """
        self._ready()
        self._require_fit_state()
        require_listener(self._environ)
        with tempfile.TemporaryDirectory(prefix="bluegreen-plan-") as private:  # mode 0700
            path = Path(private, "plan")
            ran = self._run(
                "plan",
                detailed_exitcode=process.FLAG,
                out=str(path),
                var=list(wish.variables),
                var_file=[str(file.absolute()) for file in wish.variable_files],
                replace=list(wish.replace),
                destroy=process.FLAG if wish.destroy else None,
            )
            self._demand(ran, "Nothing was changed.", accepted=(0, _HAS_CHANGES))
            document = self._json("show", str(path))
            self._scrub = self._scrub.knowing(scrub.sensitive_values(document))
            changes = plan.read(document)
            yield SavedPlan(path, changes, ran.code == _HAS_CHANGES or not changes.is_empty, wish.destroy)

    def apply(self, saved: SavedPlan, *, allow_replace: bool = False) -> Summary:
        """Carry out exactly `saved`; returns Terraform's counts.

        Raises:
            ReplaceRefused: it deletes or replaces what carries traffic, and is not a plan to destroy.
            TerraformFailed: Terraform ended with an error; what it did before is in its state.
            Interrupted: it was told to stop, and has.
        """
        if not saved.destroy and not allow_replace:
            plan.guard(saved.changes)
        ran = self._run("apply", str(saved.path))
        done = sum(
            isinstance(event, Progress) and event.stage is Stage.DONE and event.action != "read" for event in ran.heard
        )
        steps = f"Steps done and in the state: {done} of {saved.changes.steps}."
        self._demand(ran, f"{steps} Plan again to see what is left.")
        summaries = [event for event in ran.heard if isinstance(event, Summary)]
        return summaries[-1] if summaries else Summary("apply", 0, 0, 0)

    def outputs(self) -> dict[str, OutputValue]:
        """The outputs as they stand in the state.

        Raises:
            TerraformFailed: the state cannot be read.
        """
        self._ready()
        return {
            name: OutputValue(None if told.get("sensitive") else told.get("value"), bool(told.get("sensitive")))
            for name, told in self._json("output").items()
            if isinstance(told, dict)
        }

    def _ready(self) -> None:
        if not self.directory.is_dir():
            raise UsageError(f"there is no directory {self.directory}.", hint="Name the configuration with --dir.")
        patterns = ("*.tf", "*.tf.json", *(("*.tofu", "*.tofu.json") if self.program.is_opentofu else ()))
        if not any(any(self.directory.glob(pattern)) for pattern in patterns):
            raise UsageError(f"{self.directory} holds no Terraform configuration (*.tf).", hint="Name one with --dir.")
        if not self._version:
            self.version()

    def _require_fit_state(self) -> None:
        path = state.local_path(self.directory, self._environ)
        written = None if path is None else state.of_file(path)
        if written is not None:
            state.require_fit(written, self.program, self._version)

    def _install(self, mirror: Path | None, *, upgrade: bool) -> str:
        """Run init; returns why a provider could not be had, empty when all went well."""
        ran = self._run(
            "init",
            plugin_dir=None if mirror is None else str(mirror),
            upgrade=process.FLAG if upgrade else None,
        )
        missing = diagnosis.lacks_provider(ran.diagnostics)
        if not missing or ran.interrupts:
            self._demand(ran, "Nothing was changed.")
        return self._scrub(missing)

    def _run(self, command: str, *arguments: str, **options: Any) -> "_Ran":
        """Run a command that streams events; the listener hears them, and the answer keeps them."""
        heard: list[Event] = []

        def on_line(line: str) -> None:
            event = events.parse(line)
            if event is not None:
                heard.append(event)
                self._hear(event)

        ended = self._start(command, *arguments, on_line=on_line, input=False, **options)
        return _Ran(command, ended.code, tuple(heard), ended.stderr, ended.interrupts)

    def _json(self, command: str, *arguments: str) -> Mapping[str, Any]:
        """Run a command that answers with one JSON object."""
        lines: list[str] = []
        ended = self._start(command, *arguments, on_line=lines.append)
        self._demand(_Ran(command, ended.code, (), ended.stderr, ended.interrupts), "Nothing was changed.")
        try:
            document = json.loads("".join(lines))
        except (ValueError, RecursionError) as error:
            raise TerraformFailed(f"{self.program.name} {command} answered with something that is no JSON.") from error
        if not isinstance(document, dict):
            raise TerraformFailed(f"{self.program.name} {command} answered with JSON of an unknown form.")
        return document

    def _start(self, command: str, *arguments: str, on_line: Callable[[str], None], **options: Any) -> process.Finished:
        try:
            return process.run(
                command,
                *arguments,
                directory=self.directory,
                environ=self._environ,
                on_line=on_line,
                program=self.program.command,
                json=process.FLAG,
                **options,
            )
        except process.CannotStart as error:
            raise TerraformMissing(f"{self.program.name} cannot be run: {error}.", hint=self.program.get_it) from error

    def _hear(self, event: Event) -> None:
        match event:
            case Log(text):
                self._listener(Log(self._scrub(text)))
            case Diagnostic():
                words = {name: self._scrub(getattr(event, name)) for name in ("summary", "detail", "code")}
                self._listener(replace(event, **words))
            case _:
                self._listener(event)

    def _demand(self, ran: "_Ran", standing: str, *, accepted: tuple[int, ...] = (0,)) -> None:
        """Raise what a command's end calls for; `standing` is a sentence on how things stand."""
        if ran.interrupts > 1:
            raise Interrupted(
                f"interrupted twice: {self.program.name} {ran.command} was made to stop at once, and its state may "
                "lack what was under way.",
                hint="Look at `bluegreen infra plan` before anything else.",
            )
        if ran.interrupts:
            raise Interrupted(f"interrupted: {self.program.name} {ran.command} ended properly. {standing}")
        if ran.code not in accepted:
            raise diagnosis.failure(
                ran.command,
                ran.diagnostics,
                ran.stderr,
                code=ran.code,
                state=standing,
                scrub=self._scrub,
                program=self.program,
            )


@dataclass(frozen=True, slots=True)
class _Ran:
    command: str
    code: int
    heard: tuple[Event, ...]
    stderr: str
    interrupts: int

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(event for event in self.heard if isinstance(event, Diagnostic))
