import type {
  BlockAction,
  BlockSuggestion,
  EnvelopedEvent,
  GlobalShortcut,
  MessageShortcut,
  SlashCommand,
  ViewClosedAction,
  ViewSubmitAction,
} from "@slack/bolt";
import type {
  AllMessageEvents,
  AppHomeOpenedEvent,
  AppMentionEvent,
  FileSharedEvent,
  LinkSharedEvent,
  MemberJoinedChannelEvent,
  MemberLeftChannelEvent,
  ReactionAddedEvent,
  ReactionRemovedEvent,
} from "@slack/types";
export type Command = SlashCommand;
export type BlockActions = BlockAction;
export type Suggestion = BlockSuggestion;
export type ViewSubmission = ViewSubmitAction;
export type ViewClosed = ViewClosedAction;
export type Shortcut = GlobalShortcut;
export type MessageAction = MessageShortcut;
export type Envelope = EnvelopedEvent;
export type EventMessage = AllMessageEvents;
export type EventAppHomeOpened = AppHomeOpenedEvent;
export type EventAppMention = AppMentionEvent;
export type EventFileShared = FileSharedEvent;
export type EventLinkShared = LinkSharedEvent;
export type EventMemberJoinedChannel = MemberJoinedChannelEvent;
export type EventMemberLeftChannel = MemberLeftChannelEvent;
export type EventReactionAdded = ReactionAddedEvent;
export type EventReactionRemoved = ReactionRemovedEvent;
