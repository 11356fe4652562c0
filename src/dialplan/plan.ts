import type { AgentSession } from '../realtime/agent-schema';
import type { Secret } from '../runtime/secret';
import type { AgentTool } from '../tools/agent-tool';
import type { GuaranteeRules, IdleRules, TurnRules } from './conversation-rules';
import type { Destination } from './destination';
import type { PatternSet } from './pattern';
import type { RouteIndex } from './route-index';
import type { Schedule } from './schedule';
import type { Trunk } from './trunk';

/** A dialplan that parsed whole. Immutable: a call keeps the one it began with. */
export interface Plan {
  /**
   * The first 12 hexadecimal digits of the SHA-256 of what the plan says, whatever its files are called. Secrets are not in
   * it, only how they are called.
   */
  readonly hash: string;
  /** Names within the folder, in the order in which they were read. */
  readonly files: readonly string[];
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly destinations: ReadonlyMap<string, Destination>;
  /** In the order in which they were read: a caller belongs to the first whose addresses hold it. */
  readonly trunks: ReadonlyMap<string, Trunk>;
  readonly users: ReadonlyMap<string, User>;
  readonly agents: ReadonlyMap<string, Agent>;
  /** The first that matches wins. */
  readonly routes: readonly Route[];
  /** Finds the routes that may match a call without looking at all. */
  readonly index: RouteIndex;
}

export interface Agent {
  readonly name: string;
  /**
   * `instructions` is the text itself, also where the plan named a file. In the plan it holds variables of the call
   * (`{{caller.number}}`); in a `RouteDecision` they are filled in.
   */
  readonly session: AgentSession;
  readonly tools: readonly AgentTool[];
  /** Names of the agents that this one may hand calls over to; undefined: none. */
  readonly handoffs?: readonly string[];
  /** What happens when nobody speaks; undefined: nothing. */
  readonly idle?: IdleRules | undefined;
  /** Who decides whose turn it is; undefined: the server's turn detection, as `session` has it. */
  readonly turns?: TurnRules | undefined;
}

/** A phone that may register and call. */
export interface User {
  readonly name: string;
  readonly password: Secret;
}

/** Every condition must hold; undefined and empty ones hold for every call. */
export interface Route {
  readonly name: string;
  readonly to: PatternSet | undefined;
  readonly from: PatternSet | undefined;
  /** One of these. */
  readonly trunks: ReadonlySet<string> | undefined;
  /** All of these must be there and match. */
  readonly headers: readonly HeaderMatch[];
  /** At least one is open. */
  readonly during: readonly Schedule[] | undefined;
  /** None is open. */
  readonly outside: readonly Schedule[] | undefined;
  /** Above 0 and below 100. */
  readonly percent: number | undefined;
  readonly action: RouteAction;
}

export interface HeaderMatch {
  readonly name: string;
  readonly patterns: PatternSet;
}

/** For a caller whose model cannot be had: a SIP status, or the name of a destination. */
export type Unavailable = { readonly reject: number } | { readonly bridge: string };

export type RouteAction =
  | {
      readonly kind: 'answer';
      readonly agent: Agent;
      readonly lengthLimitMs: number | undefined;
      /** How many calls may be up on the route at once. */
      readonly callsLimit: number | undefined;
      /** US dollars. */
      readonly costLimitUsd: number | undefined;
      readonly guarantees: GuaranteeRules;
      readonly unavailable: Unavailable;
    }
  /** The caller is joined with a destination, without an agent. */
  | {
      readonly kind: 'bridge';
      readonly destination: string;
      readonly lengthLimitMs: number | undefined;
      readonly callsLimit: number | undefined;
    }
  | { readonly kind: 'reject'; readonly status: number }
  /** `contact` is a SIP address. */
  | { readonly kind: 'redirect'; readonly contact: string };
