// Errors that a program can tell apart.

import type { ErrorBody as Body } from "./wire.js";

/** A refusal of the server, or a failure on the way to it. */
export class MicroError extends Error {
  /** What went wrong, for programs: `chat.New.MissingUserIDs`, or `client.…` if it went wrong on this side. */
  declare readonly id: string;
  /** The HTTP status; 0 where there was none. */
  declare readonly code: number;
  /** What went wrong and what to do, for people. */
  declare readonly detail: string;
  /** The HTTP status in words. */
  declare readonly status: string;
  /**
   * How many milliseconds to wait before trying again, where that may help. `Micro.post` and `Micro.get` have waited
   * already where that took a few seconds.
   */
  declare readonly retry_after: number | undefined;

  /** An error in the server's form, as an `Error`. */
  constructor(body: Body) {
    super(`${body.Id}: ${body.Detail}`);
    this.name = "MicroError";
    this.id = body.Id;
    this.code = body.Code;
    this.detail = body.Detail;
    this.status = body.Status;
    this.retry_after = body.retry_after;
  }
}

/** An error of this side. */
export const clientError = (id: string, detail: string) =>
  new MicroError({ Id: "client." + id, Code: 0, Detail: detail, Status: "Client Error" });

/** The page passed something that can't be meant. */
export const badArgument = (detail: string) => clientError("BadArgument", detail);

/** Whether this is an error of ours, or one in the server's form. */
export const isCoded = (thrown: unknown): thrown is MicroError | Body =>
  thrown instanceof MicroError || typeof (thrown as Body | undefined)?.Id === "string";

/** What a value says of itself; its type, where it can't be asked. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** An error of whatever was thrown: ours as it is, the server's form as an `Error`, anything else as what it says. */
export function toError(thrown: unknown): MicroError {
  try {
    if (isCoded(thrown)) return thrown instanceof MicroError ? thrown : new MicroError(thrown);
  } catch {
    // It throws by itself when it is looked at.
  }
  return clientError("Failed", textOf(thrown));
}
