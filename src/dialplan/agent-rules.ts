import type { AgentSession, TurnDetection } from '../realtime/agent-schema';
import type { GuaranteeRules, IdleRules, TurnRules } from './conversation-rules';
import type { GuaranteesEntry } from './conversation-schema';
import { serverIdleMs } from './conversation-schema';
import type { AgentEntry } from './plan-schema';

const idleAfterMs = 6_000;
const silenceMsDefault = 10_000;

/** What an agent's keys mean for its session and for its conversations. `textOf` reads `file:` names. */
export function agentRules(
  { turn_detection: detection, idle, barge_in: bargeIn, push_to_talk: pushToTalk }: AgentEntry,
  textOf: (text: string | undefined) => string | undefined,
): { detection: TurnDetection; idle: IdleRules | undefined; turns: TurnRules | undefined } {
  const rules = idleRules({ detection, idle, bargeIn }, textOf);
  const timed = withIdleTimeout(detection, rules);
  if (pushToTalk !== undefined) {
    return { detection: timed, idle: rules, turns: { kind: 'push-to-talk', key: pushToTalk.key } };
  }
  if (bargeIn === undefined || timed.type === 'none') return { detection: timed, idle: rules, turns: undefined };
  return {
    detection: { ...timed, create_response: false, interrupt_response: false },
    idle: rules,
    turns: { kind: 'reversible', decideAfterMs: bargeIn.decide_after },
  };
}

export function guaranteeRules(entry: GuaranteesEntry | undefined): GuaranteeRules {
  const silence = entry?.silence ?? silenceMsDefault;
  return { firstSoundMs: entry?.first_sound, silenceMs: silence === 'off' ? undefined : silence };
}

/** `0.80 USD` as dollars. */
export function usdOf(money: string | undefined): number | undefined {
  return money === undefined ? undefined : Number.parseFloat(money);
}

function idleRules(
  { detection, idle, bargeIn }: { detection: TurnDetection } & Pick<AgentEntry, 'idle'> & { bargeIn: unknown },
  textOf: (text: string | undefined) => string | undefined,
): IdleRules | undefined {
  const timeoutMs = detection.type === 'server_vad' ? detection.idle_timeout : undefined;
  if (idle === undefined) {
    if (timeoutMs === undefined) return undefined;
    const checkInsMax = Number.POSITIVE_INFINITY;
    return { afterMs: timeoutMs, checkInsMax, then: 'wait', by: 'server', checkIn: undefined, goodbye: undefined };
  }
  const afterMs = idle.after ?? timeoutMs ?? idleAfterMs;
  const isServers =
    detection.type === 'server_vad' &&
    afterMs >= serverIdleMs.atLeastMs &&
    afterMs <= serverIdleMs.atMostMs &&
    idle.check_ins > 0 &&
    idle.check_in === undefined &&
    bargeIn === undefined;
  return {
    afterMs,
    checkInsMax: idle.check_ins,
    then: idle.then === 'wait' || idle.then === 'hang_up' ? idle.then : { transferTo: idle.then },
    by: idle.by ?? (isServers ? 'server' : 'bridge'),
    checkIn: textOf(idle.check_in),
    goodbye: textOf(idle.goodbye),
  };
}

/** What is timed by us is never told to the server. */
function withIdleTimeout(detection: TurnDetection, rules: IdleRules | undefined): AgentSession['turn_detection'] {
  if (detection.type !== 'server_vad') return detection;
  return { ...detection, idle_timeout: rules?.by === 'server' ? rules.afterMs : undefined };
}
