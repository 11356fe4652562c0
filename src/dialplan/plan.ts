import type { AgentSession } from '../realtime/agent-schema';
import type { BuiltInTool } from '../tools/tool-schema';

/** A dialplan that parsed whole. Immutable: a call keeps the one it began with. */
export interface Plan {
  /** The first 12 hexadecimal digits of the SHA-256 of what the plan says, whatever its files are called. */
  readonly hash: string;
  /** Names within the folder, in the order in which they were read. */
  readonly files: readonly string[];
  readonly agents: ReadonlyMap<string, Agent>;
  /** The first that matches wins. */
  readonly routes: readonly Route[];
}

export interface Agent {
  readonly name: string;
  /** `instructions` is the text itself, also where the plan named a file. */
  readonly session: AgentSession;
  readonly tools: readonly BuiltInTool[];
}

export interface Route {
  readonly name: string;
  /** Both must match; undefined matches every call. */
  readonly to: NumberMatch | undefined;
  readonly from: NumberMatch | undefined;
  readonly action: RouteAction;
}

export type RouteAction =
  | {
      readonly kind: 'answer';
      readonly agent: Agent;
      readonly lengthLimitMs: number | undefined;
      /** The SIP status for a caller whose model cannot be had. */
      readonly unavailable: { readonly reject: number };
    }
  | { readonly kind: 'reject'; readonly status: number };

export interface NumberMatch {
  readonly exact: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}
