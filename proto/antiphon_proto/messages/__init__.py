"""Every message of `/ws`: one MessagePack array `[tag, field, ...]` each, every field bounded.

`PROTOCOL.md` explains the exchanges. The classes are defined in one module per subject and imported from here. Each
declares its lane. Positions in the story are **UTF-8 byte offsets** of its plain text, stated against a room offset.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from antiphon_proto.document.chat import Say
from antiphon_proto.document.codex import Codex
from antiphon_proto.document.comments import AddComment, AddReply, DeleteComment, ResolveComment
from antiphon_proto.document.performers import DropPerformer, Performer, Performers, PutPerformer
from antiphon_proto.document.style import Learned, LearnStyle
from antiphon_proto.frame import (
    FRAGMENT_BODY,
    MAX_FRAGMENTS,
    MAX_FRAME,
    VERSION,
    Color,
    Id,
    Instruction,
    Kind,
    Message,
    Name,
    Role,
    Text,
    UInt,
)
from antiphon_proto.messages.editing import (
    Ack,
    AckStatus,
    Digest,
    Edit,
    Rebuild,
    Redo,
    Resync,
    StepKind,
    Stepped,
    Steps,
    Surface,
    Undo,
    Update,
)
from antiphon_proto.messages.jamming import (
    Audio,
    AudioGap,
    BandNotes,
    BandStream,
    Conduct,
    Conducted,
    Perform,
    Play,
    Played,
)
from antiphon_proto.messages.joining import (
    AudioModel,
    Better,
    Building,
    Error,
    Fragment,
    GoAway,
    Hello,
    ImageModel,
    Joined,
    Left,
    Limits,
    Links,
    ModelInfo,
    Models,
    Participant,
    Pass,
    Ping,
    Pong,
    Presence,
    Resume,
    Revoke,
    RightName,
    SetPresence,
    SpeechModel,
    UseModel,
    VoiceInfo,
    Welcome,
)
from antiphon_proto.messages.runs import (
    Accept,
    Alternative,
    Ask,
    AssetId,
    Choose,
    JamTask,
    Jpeg,
    Paint,
    Preview,
    Recall,
    Reject,
    ReplaceToken,
    Retry,
    Run,
    RunInfo,
    RunState,
    RunTask,
    Steer,
    Steered,
    Stop,
    Suggest,
    SuggestionState,
    Thinned,
    TokenInfo,
    Tokens,
    Viewing,
)
from antiphon_proto.messages.timeline import Shares, Version, Versions

__all__ = [
    "Accept",
    "Ack",
    "AckStatus",
    "AddComment",
    "AddReply",
    "Alternative",
    "Ask",
    "AssetId",
    "Audio",
    "AudioGap",
    "BandNotes",
    "BandStream",
    "Choose",
    "ClientMessage",
    "Codex",
    "Color",
    "Conduct",
    "Conducted",
    "DeleteComment",
    "Digest",
    "DropPerformer",
    "Edit",
    "Error",
    "FRAGMENT_BODY",
    "Fragment",
    "GoAway",
    "Hello",
    "Id",
    "AudioModel",
    "Better",
    "Building",
    "ImageModel",
    "Instruction",
    "JamTask",
    "Joined",
    "Jpeg",
    "Kind",
    "LearnStyle",
    "Learned",
    "Left",
    "Limits",
    "Links",
    "MAX_FRAGMENTS",
    "MAX_FRAME",
    "Message",
    "ModelInfo",
    "Models",
    "Name",
    "Paint",
    "Participant",
    "Pass",
    "Perform",
    "Performer",
    "Performers",
    "Ping",
    "Play",
    "Played",
    "Pong",
    "Presence",
    "Preview",
    "PutPerformer",
    "Rebuild",
    "Recall",
    "Redo",
    "Reject",
    "ReplaceToken",
    "ResolveComment",
    "Resume",
    "Resync",
    "Retry",
    "Revoke",
    "RightName",
    "Role",
    "Run",
    "RunInfo",
    "RunState",
    "Thinned",
    "RunTask",
    "Say",
    "ServerMessage",
    "SetPresence",
    "Shares",
    "Steer",
    "Steered",
    "Stop",
    "Suggest",
    "SuggestionState",
    "Text",
    "TokenInfo",
    "Tokens",
    "UInt",
    "Undo",
    "Update",
    "UseModel",
    "VERSION",
    "Version",
    "Versions",
    "Viewing",
    "Welcome",
    "tags",
    "StepKind",
    "Stepped",
    "Steps",
    "Surface",
    "SpeechModel",
    "VoiceInfo",
]

ClientMessage = (
    Hello
    | Edit
    | SetPresence
    | Viewing
    | Ask
    | Paint
    | Play
    | Conduct
    | Perform
    | Stop
    | Steer
    | Accept
    | Reject
    | Choose
    | Retry
    | Recall
    | ReplaceToken
    | Undo
    | Redo
    | Say
    | Suggest
    | AddComment
    | AddReply
    | ResolveComment
    | DeleteComment
    | LearnStyle
    | PutPerformer
    | DropPerformer
    | Revoke
    | UseModel
    | Resync
    | Ping
    | Fragment
)
ServerMessage = (
    Welcome
    | Rebuild
    | Update
    | Ack
    | Joined
    | Left
    | Presence
    | Run
    | Steered
    | Tokens
    | Preview
    | Played
    | Conducted
    | BandStream
    | Audio
    | BandNotes
    | AudioGap
    | Learned
    | Performers
    | Codex
    | Shares
    | Stepped
    | Steps
    | Versions
    | Models
    | Links
    | Pass
    | Digest
    | Error
    | GoAway
    | Pong
    | Fragment
)


def tags(union: object) -> frozenset[str]:
    """The wire tags of a message union."""
    members: tuple[type[Struct], ...] = union.__args__  # type: ignore[attr-defined]
    return frozenset(str(msgspec.inspect.type_info(member).tag) for member in members)  # type: ignore[attr-defined]
