import type { AgentSession } from '../realtime/agent-schema';
import type { BuiltInTool } from '../tools/tool-schema';

/** An agent as the plan in force when the call came describes it; the call keeps it to its end. */
export interface AgentPlan {
  name: string;
  session: AgentSession;
  tools: readonly BuiltInTool[];
}

/** What the dialplan says about a call. */
export type RouteDecision =
  | {
      kind: 'answer';
      route: string;
      planHash: string;
      agent: AgentPlan;
      lengthLimitMs: number | undefined;
      /** What the caller gets when the model cannot be had before the answer. */
      unavailable: { reject: number };
    }
  | { kind: 'reject'; route: string; planHash: string; status: number }
  | { kind: 'no-route'; planHash: string };
