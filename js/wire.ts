// What goes over the wire. Made from crates/server/openapi.json by scripts/wire.mjs: change crates/wire instead.

/** What an account is. */
export type AuthAccountKind = "user" | "service";
/** Whether a server asks for a login. */
export type AuthLogin = "none" | "required";
/** A line of an export. */
export type ExportLine =
  | {
      /** Whose data it is: the first line of a user's. */
      user: ExportUser;
    }
  | {
      /** A chat; its messages follow. */
      chat: ExportChat;
    }
  | {
      /** A message of the chat before. */
      message: ChatMessage;
    }
  | {
      /** The last line: all of it was there. */
      end: ExportEnd;
    };

/** What one can call with `post` or `get`. */
export interface Methods {
  /** Another password. */
  "/auth/ChangeSecret": {
    /** What it takes. */
    request: AuthChangeSecretRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
  /** Remove one's account. */
  "/auth/Delete": {
    /** What it takes. */
    request: AuthDeleteRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
  /** Whose a token is. */
  "/auth/Inspect": {
    /** What it takes. */
    request: AuthInspectRequest;
    /** What it answers. */
    answer: AuthInspectResponse;
  };
  /** Whether this server asks for a login. */
  "/auth/Options": {
    /** What it takes. */
    request: AuthOptionsRequest;
    /** What it answers. */
    answer: AuthOptionsResponse;
  };
  /** Another password, for a code. */
  "/auth/ResetPassword": {
    /** What it takes. */
    request: AuthResetPasswordRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
  /** Log out. */
  "/auth/Revoke": {
    /** What it takes. */
    request: AuthRevokeRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
  /** A code for another password. */
  "/auth/SendPasswordResetEmail": {
    /** What it takes. */
    request: AuthSendPasswordResetEmailRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
  /** Log in, or go on being so. */
  "/auth/Token": {
    /** What it takes. */
    request: AuthTokenRequest;
    /** What it answers. */
    answer: AuthTokenResponse;
  };
  /** A new group. */
  "/chat/Create": {
    /** What it takes. */
    request: GroupsCreateRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** End a group. */
  "/chat/Delete": {
    /** What it takes. */
    request: GroupsMemberRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** Read messages. */
  "/chat/History": {
    /** What it takes. */
    request: ChatHistoryRequest;
    /** What it answers. */
    answer: ChatHistoryResponse;
    /** What it answers where the request has a `group_id`. */
    group: GroupsHistoryResponse;
  };
  /** Bring somebody into a group. */
  "/chat/Invite": {
    /** What it takes. */
    request: GroupsMemberRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** Come into a group. */
  "/chat/Join": {
    /** What it takes. */
    request: GroupsMemberRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** Put somebody out of a group. */
  "/chat/Kick": {
    /** What it takes. */
    request: GroupsMemberRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** Go out of a group. */
  "/chat/Leave": {
    /** What it takes. */
    request: GroupsMemberRequest;
    /** What it answers. */
    answer: GroupsGroupResponse;
  };
  /** The groups that one may see. */
  "/chat/List": {
    /** What it takes. */
    request: GroupsListRequest;
    /** What it answers. */
    answer: GroupsListResponse;
  };
  /** The chat of a set of users. */
  "/chat/New": {
    /** What it takes. */
    request: ChatNewRequest;
    /** What it answers. */
    answer: ChatNewResponse;
  };
  /** Store a message. */
  "/chat/Send": {
    /** What it takes. */
    request: ChatSendRequest;
    /** What it answers. */
    answer: ChatSendResponse;
    /** What it answers where the request has a `group_id`. */
    group: GroupsMessageResponse;
  };
  /** The chat of an id, or of a set of users. */
  "/chats/CreateChat": {
    /** What it takes. */
    request: ChatsCreateChatRequest;
    /** What it answers. */
    answer: ChatsCreateChatResponse;
  };
  /** Delete a user, with all that they wrote. */
  "/chats/DeleteUser": {
    /** What it takes. */
    request: ChatsDeleteUserRequest;
    /** What it answers. */
    answer: ChatsDeleteUserResponse;
  };
  /** All of a chat, as JSON Lines. */
  "/chats/ExportChat": {
    /** What it takes. */
    request: ChatsExportChatRequest;
    /** What it answers. */
    answer: ExportLine[];
  };
  /** All of a user, as JSON Lines. */
  "/chats/ExportUser": {
    /** What it takes. */
    request: ChatsExportUserRequest;
    /** What it answers. */
    answer: ExportLine[];
  };
  /** A user's chats, with what they have not read. */
  "/chats/ListChats": {
    /** What it takes. */
    request: ChatsListChatsRequest;
    /** What it answers. */
    answer: ChatsListChatsResponse;
  };
  /** Read messages by offset. */
  "/chats/ListMessages": {
    /** What it takes. */
    request: ChatsListMessagesRequest;
    /** What it answers. */
    answer: ChatsListMessagesResponse;
  };
  /** Up to where a member has read. */
  "/chats/MarkRead": {
    /** What it takes. */
    request: ChatsMarkReadRequest;
    /** What it answers. */
    answer: ChatsMarkReadResponse;
  };
  /** Store a message. */
  "/chats/SendMessage": {
    /** What it takes. */
    request: ChatsSendMessageRequest;
    /** What it answers. */
    answer: ChatsSendMessageResponse;
  };
  /** An account, for a code. */
  "/signup/CompleteSignup": {
    /** What it takes. */
    request: SignupCompleteSignupRequest;
    /** What it answers. */
    answer: SignupCompleteSignupResponse;
  };
  /** A code to sign up with. */
  "/signup/SendVerificationEmail": {
    /** What it takes. */
    request: SignupSendVerificationEmailRequest;
    /** What it answers. */
    answer: AuthEmpty;
  };
}
/** Request of `auth.ChangeSecret`. */
export interface AuthChangeSecretRequest {
  /** The one from here on. */
  new_secret: string;
  /** The password so far. */
  old_secret: string;
}
/** Answer where there is nothing to say. */
export interface AuthEmpty {}
/** Request of `auth.Delete`. */
export interface AuthDeleteRequest {
  /** The account's password. */
  secret: string;
}
/** Request of `auth.Inspect`. */
export interface AuthInspectRequest {
  /** What to look at; the caller's own token where it is empty. */
  token?: string | null;
}
/** Answer of `auth.Inspect`. */
export interface AuthInspectResponse {
  /** Whose token that is. */
  account: AuthAccount;
}
/** Whose a token is. */
export interface AuthAccount {
  /** The user id, or the API key's id. */
  id: string;
  /** The namespace. */
  issuer: string;
  /** Nothing is kept here. */
  metadata: {};
  /** Nor here. */
  name: string;
  /** What the token is for. */
  scopes: string[];
  /** What it is. */
  type: AuthAccountKind;
}
/** Request of `auth.Options`. */
export interface AuthOptionsRequest {
  /** The namespace that is asked about. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
}
/** Answer of `auth.Options`. */
export interface AuthOptionsResponse {
  /** Whether people can log in with a password in this namespace. */
  accounts: boolean;
  /** Whether the server wants to know who calls. */
  login: AuthLogin;
  /** Whether strangers may sign up in this namespace. */
  sign_up: boolean;
}
/** Request of `auth.ResetPassword`. */
export interface AuthResetPasswordRequest {
  /** The account's address. */
  email: string;
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
  /** The password from here on. */
  secret: string;
  /** The code that came by mail. */
  token: string;
}
/** Request of `auth.Revoke`. */
export interface AuthRevokeRequest {
  /** The same, with the refresh token in the cookie. */
  cookie?: boolean | null;
  /** Whether all logins of that user end. */
  everywhere?: boolean | null;
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
  /** Whose login ends. */
  refresh_token?: string | null;
  /** With an API key: whose logins and tokens end. */
  user_id?: string | null;
}
/** Request of `auth.SendPasswordResetEmail`. */
export interface AuthSendPasswordResetEmailRequest {
  /** The account's address. */
  email: string;
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
}
/** Request of `auth.Token`: a password, a refresh token, or `cookie` alone for the refresh token in the cookie. */
export interface AuthTokenRequest {
  /** Whether the refresh token is to come, and is to be found, in a cookie that no script can read. */
  cookie?: boolean | null;
  /** Who logs in: an e-mail address or a user id. */
  id?: string | null;
  /** The same as `options.namespace`. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
  /** More about it. */
  options?: null | AuthTokenOptions;
  /** Instead of both: a refresh token. It is used up. */
  refresh_token?: string | null;
  /** Their password. */
  secret?: string | null;
}
/** More about a login. */
export interface AuthTokenOptions {
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
}
/** Answer of `auth.Token`. */
export interface AuthTokenResponse {
  /** Who that is. */
  account: AuthAccountName;
  /** What to call with from here on. */
  token: AuthAuthToken;
}
/** Who somebody is. */
export interface AuthAccountName {
  /** The user id. */
  id: string;
  /** Their namespace. */
  namespace: string;
}
/** An access token, with what makes the next one. */
export interface AuthAuthToken {
  /** For `authorization: Bearer`, hello frames and first frames. */
  access_token: string;
  /** Since when the access token is good, in Unix seconds. */
  created: number;
  /** Until when. */
  expiry: number;
  /** Good for one `auth.Token`; empty where it is in a cookie. */
  refresh_token: string;
}
/** Request of `chat.Create`. */
export interface GroupsCreateRequest {
  /** What it is about. At most 65536 bytes: of other letters than ASCII's fewer fit. */
  description?: string | null;
  /** What it is called. At most 1024 bytes: of other letters than ASCII's fewer fit. */
  name: string;
  /** Whether one comes in by invitation only. */
  private?: boolean | null;
  /** Its first members; the caller becomes one anyway. Each has 1 to 256 bytes. */
  user_ids?: string[] | null;
}
/** Answer of `chat.Create`, `chat.Delete`, `chat.Invite`, `chat.Kick`, `chat.Leave` and `chat.Join`. */
export interface GroupsGroupResponse {
  /** As it is now; a deleted one as it was. */
  group: GroupsGroup;
}
/** A group. */
export interface GroupsGroup {
  /** RFC 3339. */
  created_at: string;
  /** What it is about; may be empty. */
  description: string;
  /** Made by the server; a UUID. It is the group's `chat_id`, too. */
  id: string;
  /** What it is called. */
  name: string;
  /** Whether one comes in by invitation only. */
  private: boolean;
  /** Its members, in the order of their names. */
  user_ids: string[];
}
/** Request of `chat.Delete`, `chat.Invite`, `chat.Kick`, `chat.Leave` and `chat.Join`. */
export interface GroupsMemberRequest {
  /** The group. At most 256 bytes: of other letters than ASCII's fewer fit. */
  group_id: string;
  /** Who comes in or goes. At most 256 bytes: of other letters than ASCII's fewer fit. */
  user_id?: string | null;
}
/** Request of `chat.History`. */
export interface ChatHistoryRequest {
  /** Only messages with a larger `seq`, the oldest of them; without it the newest are answered. */
  after?: number | null;
  /** Only messages with a smaller `seq`; 0 stands for no bound. */
  before?: number | null;
  /** The chat to read. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id?: string | null;
  /** The group to read, instead of a chat. At most 256 bytes: of other letters than ASCII's fewer fit. */
  group_id?: string | null;
  /** At most this many messages: 1 to 1,000; 0 stands for 1,000. */
  limit?: number | null;
}
/** Answer of `chat.History`. */
export interface ChatHistoryResponse {
  /** Whether the asked range holds more: older ones, or with `after` newer ones. */
  has_more?: boolean;
  /** Oldest first. */
  messages: ChatMessage[];
}
/** A message, as History answers it and every stream carries it. */
export interface ChatMessage {
  /** The chat it is in. */
  chat_id: string;
  /** Made by the sender: a second message with it is the same message. */
  client_id: string;
  /** Made by the server; a UUID. */
  id: string;
  /** When the server stored it, in Unix seconds. */
  sent_at: number;
  /** Its place in its chat: 1, 2, 3, … */
  seq: number;
  /** What it is about; may be empty. */
  subject: string;
  /** What it says. */
  text: string;
  /** Who sent it. */
  user_id: string;
}
/** Answer of `chat.History` of a group. */
export interface GroupsHistoryResponse {
  /** Whether there are older ones. */
  has_more?: boolean;
  /** Oldest first. */
  messages: GroupsMessage[];
}
/** A message of a group. */
export interface GroupsMessage {
  /** As its sender gave it, or made by the server. */
  client: string;
  /** The group it is in. */
  group_id: string;
  /** Made by the server; a UUID. */
  id: string;
  /** When it was stored: RFC 3339, with nanoseconds. */
  sent_at: string;
  /** What it is about; may be empty. */
  subject: string;
  /** What it says. */
  text: string;
  /** Who sent it. */
  user_id: string;
}
/** Request of `chat.List`. */
export interface GroupsListRequest {
  /** At most so many, 1 to 1,000; 0 stands for 1,000. */
  limit?: number | null;
  /** Groups to pass over. */
  offset?: number | null;
  /** Only groups with this member; empty: all that the caller may see. */
  user_id?: string | null;
}
/** Answer of `chat.List`. */
export interface GroupsListResponse {
  /** The newest first: as many as fit. */
  groups: GroupsGroup[];
  /** Whether there may be older ones. */
  has_more?: boolean;
}
/** Request of `chat.New`. */
export interface ChatNewRequest {
  /** Who the chat is for; order and repetition don't matter. Each has 1 to 256 bytes. */
  user_ids: string[];
}
/** Answer of `chat.New`. */
export interface ChatNewResponse {
  /** The chat of these users. */
  chat_id: string;
}
/** Request of `chat.Send`. */
export interface ChatSendRequest {
  /** The chat to send to. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id?: string | null;
  /**
   * With a `group_id`: the same, where it is a UUID; anything else says what program sends, and comes back with each
   * of its messages. At most 219 bytes: of other letters than ASCII's fewer fit.
   */
  client?: string | null;
  /** Makes a retry safe; the server makes one where it is empty. At most 256 bytes: of other letters than ASCII's fewer fit. */
  client_id?: string | null;
  /** The group to send to, instead of a chat. At most 256 bytes: of other letters than ASCII's fewer fit. */
  group_id?: string | null;
  /** What it is about; may be empty. At most 1024 bytes: of other letters than ASCII's fewer fit. */
  subject?: string | null;
  /** What it says. At most 65536 bytes: of other letters than ASCII's fewer fit. */
  text: string;
  /** Who sends. At most 256 bytes: of other letters than ASCII's fewer fit. */
  user_id?: string | null;
}
/** Answer of `chat.Send`: it is stored. */
export interface ChatSendResponse {}
/** Answer of `chat.Send` to a group, and a frame of the stream `chat.Join`. */
export interface GroupsMessageResponse {
  /** As it is stored. */
  message: GroupsMessage;
}
/** Request of `chats.CreateChat`. */
export interface ChatsCreateChatRequest {
  /** The chat's id; the server makes one where it is empty. At most 256 bytes: of other letters than ASCII's fewer fit. */
  id?: string | null;
  /** Two or more users. Each has 1 to 256 bytes. */
  user_ids: string[];
}
/** Answer of `chats.CreateChat`. */
export interface ChatsCreateChatResponse {
  /** The new chat, or the one that was there. */
  chat: ChatsChat;
}
/** A chat. */
export interface ChatsChat {
  /** When it was created. */
  created_at: string;
  /** Chosen by the client, or made by the server. */
  id: string;
  /** Whom it was created for, in the order of their names. */
  user_ids: string[];
}
/** Request of `chats.DeleteUser`. */
export interface ChatsDeleteUserRequest {
  /** Their password, where they call with a login of an account. */
  secret?: string | null;
  /** Who goes; where a token says who calls, it may be left out. At most 256 bytes: of other letters than ASCII's fewer fit. */
  user_id?: string | null;
}
/** Answer of `chats.DeleteUser`, once all of it is gone. */
export interface ChatsDeleteUserResponse {
  /** Chats that they were in. */
  chats: number;
  /** Of those, chats that are gone: nobody was left in them. */
  ended: number;
  /** Messages of theirs that were deleted, but for those of chats that are gone altogether. */
  messages: number;
}
/** Request of `chats.ExportChat`. */
export interface ChatsExportChatRequest {
  /** The chat. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id?: string | null;
  /** The member for whom it is, where an API key asks; without one it is for the namespace. */
  user_id?: string | null;
}
/** Whose data it is. */
export interface ExportUser {
  /** What is known of their account, where they have one. */
  account?: null | ExportAccount;
  /** Their namespace. */
  namespace: string;
  /** Their name. */
  user_id: string;
}
/** An account, without what would let somebody use it. */
export interface ExportAccount {
  /** RFC 3339. */
  created_at: string;
  /** Where their codes go to. */
  email: string;
  /** Where they are logged in: how many there are. */
  logins: number;
}
/** A chat, as it was when it was reached. */
export interface ExportChat {
  /** RFC 3339. */
  created_at: string;
  /** What it is about, where it is a group. */
  description?: string;
  /** The first `seq` that is not too old to be kept; left out where the user whose data it is is no member. */
  first_seq?: number | null;
  /** Its name in every call. */
  id: string;
  /** The newest `seq`: what comes later is not in the export. Likewise. */
  last_seq?: number | null;
  /** What it is called, where it is a group. */
  name?: string;
  /** Up to where the user whose data it is has read. Likewise. */
  read_seq?: number | null;
  /** Its members, in the order of their names; none, where the user whose data it is has left. */
  user_ids: string[];
}
/** What there was. */
export interface ExportEnd {
  /** Chats. */
  chats: number;
  /** Messages. */
  messages: number;
}
/** Request of `chats.ExportUser`. */
export interface ChatsExportUserRequest {
  /** Whose data; where a token says who calls, it may be left out. */
  user_id?: string | null;
}
/** Request of `chats.ListChats`. */
export interface ChatsListChatsRequest {
  /** The `cursor` of the answer before; empty: from the front. */
  cursor?: string | null;
  /** At most so many, 1 to 100; 0 stands for 25. */
  limit?: number | null;
  /** Whose chats; where a token says that, it may be left out. At most 256 bytes: of other letters than ASCII's fewer fit. */
  user_id?: string | null;
}
/** Answer of `chats.ListChats`. */
export interface ChatsListChatsResponse {
  /** Those in which something was said last come first. */
  chats: ChatsListedChat[];
  /** Where the list goes on, if it does: the next request's `cursor`. */
  cursor?: string;
  /** Whether there are more. */
  has_more?: boolean;
}
/** A chat in a list. */
export interface ChatsListedChat {
  /** When it was created. */
  created_at: string;
  /** Its name in every call. */
  id: string;
  /** The newest message that is still there. */
  last_message?: ChatsMessage;
  /** The newest `seq`, whether or not its message is still there; 0 in a chat without messages. */
  last_seq: number;
  /** Whether there are older messages behind that which were not looked at. */
  more_unread?: boolean;
  /** Whether there are more members than those. */
  more_users?: boolean;
  /** What it is called, where it is a group. */
  name?: string;
  /** Up to where the user has read. */
  read_seq: number;
  /** Messages of others behind that: of the newest 1,000 messages there at most. */
  unread: number;
  /** Its members, in the order of their names: the first 100. */
  user_ids: string[];
}
/** A message, in this service's words. */
export interface ChatsMessage {
  /** Who sent it. */
  author_id: string;
  /** The chat it is in. */
  chat_id: string;
  /** Chosen by the client, or made by the server. */
  id: string;
  /** When the server stored it. */
  sent_at: string;
  /** What it says. */
  text: string;
}
/** Request of `chats.ListMessages`. */
export interface ChatsListMessagesRequest {
  /** The chat to read. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id: string;
  /** At most this many messages: 1 to 1,000; 0 stands for 25. */
  limit?: number | null;
  /** Messages to pass over first, counted from the end that `order` names. */
  offset?: number | null;
  /** `asc`: oldest first; anything else: newest first. */
  order?: string | null;
}
/** Answer of `chats.ListMessages`. */
export interface ChatsListMessagesResponse {
  /** Whether the answer was full before it had as many messages as asked for: go on behind the last of them. */
  has_more?: boolean;
  /** In the order asked for. */
  messages: ChatsMessage[];
}
/** Request of `chats.MarkRead`. */
export interface ChatsMarkReadRequest {
  /** The chat. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id: string;
  /** Up to which message. One beyond the end is the end; one before the mark changes nothing. */
  seq?: number | null;
  /** Who has read; where a token says that, it may be left out. At most 256 bytes: of other letters than ASCII's fewer fit. */
  user_id?: string | null;
}
/** Answer of `chats.MarkRead`. */
export interface ChatsMarkReadResponse {
  /** Up to where they have read now. */
  read_seq: number;
}
/** Request of `chats.SendMessage`. */
export interface ChatsSendMessageRequest {
  /** Who sends. At most 256 bytes: of other letters than ASCII's fewer fit. */
  author_id?: string | null;
  /** The chat to send to. At most 256 bytes: of other letters than ASCII's fewer fit. */
  chat_id: string;
  /** The message's id, which makes a retry safe; the server makes one where it is empty. At most 256 bytes: of other letters than ASCII's fewer fit. */
  id?: string | null;
  /** What it says. At most 65536 bytes: of other letters than ASCII's fewer fit. */
  text: string;
}
/** Answer of `chats.SendMessage`. */
export interface ChatsSendMessageResponse {
  /** The message as stored. */
  message: ChatsMessage;
}
/** Request of `signup.CompleteSignup`. */
export interface SignupCompleteSignupRequest {
  /** Whether the refresh token is to come in a cookie that no script can read. */
  cookie?: boolean | null;
  /** The address that the code went to. */
  email: string;
  /** The user id that is wanted; the address where it is empty. At most 256 bytes: of other letters than ASCII's fewer fit. */
  id?: string | null;
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
  /** The password from here on. */
  secret: string;
  /** The code that came by mail. */
  token: string;
}
/** Answer of `signup.CompleteSignup`: the new user is logged in. */
export interface SignupCompleteSignupResponse {
  /** Who that is. */
  account: AuthAccountName;
  /** What to call with from here on. */
  authToken: AuthAuthToken;
  /** The namespace. */
  namespace: string;
}
/** Request of `signup.SendVerificationEmail`. */
export interface SignupSendVerificationEmailRequest {
  /** Where the code is to go. */
  email: string;
  /** The namespace. At most 256 bytes: of other letters than ASCII's fewer fit. */
  namespace?: string | null;
}
/** An error as the gateway's answers, error frames and the session dialect carry it. */
export interface ErrorBody {
  /** The HTTP status. */
  Code: number;
  /** What went wrong and what to do, for people. */
  Detail: string;
  /** What went wrong, for programs: `chat.New.MissingUserIDs`. */
  Id: string;
  /** The HTTP status in words. */
  Status: string;
  /** How long to wait before trying again, in milliseconds, where that may help. */
  retry_after?: number;
}
/** What a stream begins with: the metadata of `chat.Connect`, where headers and query did not give it. */
export interface ChatConnectRequest {
  /** The chat to join. */
  chat_id?: string | null;
  /** The group to join, instead of a chat. */
  group_id?: string | null;
  /** The namespace. */
  namespace?: string | null;
  /** What proves who the user is; a page can't put it anywhere else. */
  token?: string | null;
  /** Who joins. */
  user_id?: string | null;
}
