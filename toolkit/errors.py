"""What can go wrong, as one tree; the command line turns each into one line and its own exit code.

    BluegreenError                  1   anything of ours (raised as one of those below)
    ├── UsageError                  2   the command's words do not fit together
    ├── ConfigError                10   bluegreen.toml is malformed
    ├── ContractError              11   the deployment contract is missing or malformed
    ├── UnknownService             12   no such service
    ├── InvalidSplit               13   weights that ELBv2 would not take, or that serve nobody
    ├── PreflightRefused           14   a check before the write failed; nothing was written
    ├── WrongAccount               15   credentials lead to another account or region than the contract's
    ├── RouteUnusable              16   a route is gone, or does not forward to exactly this pair
    ├── NoBase                     17   a rollback without a record of where to go
    ├── NoHealthyTarget            18   the side to go (back) to has no healthy target; nothing was written
    ├── AdoptionRefused            19   what stands in AWS cannot be adopted; nothing was written
    ├── AwsError                   20   AWS said no, in words that fit no other class
    │   ├── CredentialsError       21   missing, invalid or expired credentials
    │   ├── AccessDenied           22   the credentials lack a permission
    │   ├── Throttled              23   AWS asks to slow down, after the retries it allows
    │   ├── AwsUnreachable         24   no answer: the outcome of a write is unknown
    │   └── NotLocal               25   calls must stay local and a service has no local endpoint; nothing was sent
    ├── VerifyFailed               30   what AWS holds is not what was written
    ├── ShiftFailed                31   not every route could be written; the message says the state of each
    ├── RolledBack                 32   a gate failed or somebody asked for it; the traffic is back on the base
    ├── JournalError               33   the record could not be read or written
    │   └── JournalConflict        34   somebody else recorded something at the same moment
    ├── DriftFound                 35   `drift` saw a difference, or `sync` may not mend one
    ├── Halted                     36   the world is not what the journal says; a person must decide
    ├── Locked                     37   somebody else holds the lease of the service; nothing was written
    ├── Paused                     38   the rollout is paused and nobody runs it; `resume` goes on
    ├── LeaseLost                  39   somebody else took the lease over meanwhile; the message says what was written
    ├── TerraformMissing           40   no terraform or tofu, or too old a one for state or configuration
    ├── TerraformFailed            41   terraform ended with an error
    ├── ReplaceRefused             42   the plan deletes or replaces a route, listener or target group
    ├── ProviderUnavailable        43   the AWS provider can be had neither from a registry nor a mirror
    ├── LabError                   50   the lab could not be started, found or stopped
    │   └── LabNotInstalled        51   the `lab` extra is not installed
    ├── DemoFailed                 52   the demo saw a failed request, or the plan was not empty
    ├── ReleaseFailed              59   one service of a release failed; the message says what became of each
    ├── NoRollout                  60   there is no such rollout, or none under way
    ├── AuditFailed                61   the journal was changed, cut off, or has a gap
    ├── NotifyFailed               62   somebody who is to be told took nothing; the next run begins there
    └── Interrupted               130   Ctrl-C; the message says what state things are in

A message says what happened and how things stand; the hint says what to do next.
"""

from typing import ClassVar


class BluegreenError(Exception):
    """The root. `hint` is a sentence for the operator; empty where there is nothing to add."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BluegreenError):
    exit_code = 2


class ConfigError(BluegreenError):
    exit_code = 10


class ContractError(BluegreenError):
    exit_code = 11


class UnknownService(BluegreenError):
    exit_code = 12


class InvalidSplit(BluegreenError):
    exit_code = 13


class PreflightRefused(BluegreenError):
    exit_code = 14


class WrongAccount(BluegreenError):
    exit_code = 15


class RouteUnusable(BluegreenError):
    exit_code = 16


class NoBase(BluegreenError):
    exit_code = 17


class NoHealthyTarget(BluegreenError):
    exit_code = 18


class AdoptionRefused(BluegreenError):
    exit_code = 19


class AwsError(BluegreenError):
    exit_code = 20


class CredentialsError(AwsError):
    exit_code = 21


class AccessDenied(AwsError):
    exit_code = 22


class Throttled(AwsError):
    exit_code = 23


class AwsUnreachable(AwsError):
    exit_code = 24


class NotLocal(AwsError):
    exit_code = 25


class VerifyFailed(BluegreenError):
    exit_code = 30


class ShiftFailed(BluegreenError):
    exit_code = 31


class RolledBack(BluegreenError):
    exit_code = 32


class JournalError(BluegreenError):
    exit_code = 33


class JournalConflict(JournalError):
    exit_code = 34


class DriftFound(BluegreenError):
    exit_code = 35


class Halted(BluegreenError):
    exit_code = 36


class Locked(BluegreenError):
    exit_code = 37


class Paused(BluegreenError):
    exit_code = 38


class LeaseLost(BluegreenError):
    exit_code = 39


class TerraformMissing(BluegreenError):
    exit_code = 40


class TerraformFailed(BluegreenError):
    exit_code = 41


class ReplaceRefused(BluegreenError):
    exit_code = 42


class ProviderUnavailable(BluegreenError):
    exit_code = 43


class LabError(BluegreenError):
    exit_code = 50


class LabNotInstalled(LabError):
    exit_code = 51


class DemoFailed(BluegreenError):
    exit_code = 52


class ReleaseFailed(BluegreenError):
    exit_code = 59


class NoRollout(BluegreenError):
    exit_code = 60


class AuditFailed(BluegreenError):
    exit_code = 61


class NotifyFailed(BluegreenError):
    exit_code = 62


class Interrupted(BluegreenError):
    exit_code = 130
