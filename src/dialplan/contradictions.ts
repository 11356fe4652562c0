import { parseDurationMs } from '../runtime/duration';
import { serverIdleMs } from './conversation-schema';
import type { RawMap } from './raw-map';

/** Keys of one agent that cannot both hold. */
export interface Contradiction {
  /** From the agent down. */
  readonly path: readonly string[];
  readonly message: string;
  readonly expected: string;
}

/** Looks at one agent as it was written; what has the wrong kind is passed over, for that is told elsewhere. */
export function contradictions(agent: RawMap): Contradiction[] {
  return [...turnContradictions(agent), ...idleContradictions(agent)];
}

/** Somebody must answer the caller, and only one of us and the server. */
function turnContradictions(agent: RawMap): Contradiction[] {
  const detection = mapOf(agent['turn_detection']);
  const type = typeOf(detection);
  const found: Contradiction[] = [];
  const add = (path: readonly string[], message: string, expected: string): void =>
    void found.push({ path, message, expected });
  if (type === 'none' && !('push_to_talk' in agent)) {
    add(['turn_detection', 'type'], 'without turn detection nothing ends the turn of the caller', 'push_to_talk too');
  }
  if (type !== 'none' && 'push_to_talk' in agent) {
    add(['push_to_talk'], 'turn detection would end the turn before the key does', 'turn_detection: { type: none }');
  }
  if (!('barge_in' in agent)) {
    if (detection['create_response'] === false) {
      add(['turn_detection', 'create_response'], 'nobody would answer the caller', 'true, or barge_in');
    }
    return found;
  }
  if (type === 'none') add(['barge_in'], 'without turn detection no speech is noticed', 'server_vad or semantic_vad');
  for (const key of ['create_response', 'interrupt_response']) {
    if (detection[key] !== true) continue;
    add(['turn_detection', key], `with barge_in Ringbridge decides, and "${key}" is false`, 'to be left out');
  }
  return found;
}

function idleContradictions(agent: RawMap): Contradiction[] {
  const detection = mapOf(agent['turn_detection']);
  const found: Contradiction[] = [];
  const timeout = detection['idle_timeout'];
  if (timeout !== undefined && 'barge_in' in agent) {
    const message = 'with barge_in the server answers nothing by itself, not even silence';
    found.push({ path: ['turn_detection', 'idle_timeout'], message, expected: 'idle with after' });
  }
  const idle = mapOf(agent['idle']);
  const after = idle['after'];
  if (timeout !== undefined && idle['by'] === 'bridge') {
    const message = 'with by: bridge the server is told of no idle timeout';
    found.push({ path: ['turn_detection', 'idle_timeout'], message, expected: 'idle with after' });
  } else if (typeof timeout === 'string' && typeof after === 'string') {
    if (parseDurationMs(timeout) !== parseDurationMs(after)) {
      found.push({ path: ['idle', 'after'], message: `"idle_timeout" says ${timeout}`, expected: 'one of the two' });
    }
  }
  const why = idle['by'] === 'server' ? whyNotServer(agent, idle) : undefined;
  if (why !== undefined) found.push({ path: ['idle', 'by'], message: `not by the server: ${why}`, expected: 'bridge' });
  return found;
}

/** Undefined when the server can time the check-ins. */
function whyNotServer(agent: RawMap, idle: RawMap): string | undefined {
  const type = typeOf(mapOf(agent['turn_detection']));
  if (type !== 'server_vad') return `turn detection ${type} has no idle timeout`;
  if ('barge_in' in agent) return 'with barge_in the server answers nothing by itself';
  if ('check_in' in idle) return 'the server takes no words for a check-in';
  if (idle['check_ins'] === 0) return 'there is no check-in';
  const afterMs = typeof idle['after'] === 'string' ? parseDurationMs(idle['after']) : undefined;
  if (afterMs === undefined) return undefined;
  return afterMs < serverIdleMs.atLeastMs || afterMs > serverIdleMs.atMostMs ? 'the API allows 5s to 30s' : undefined;
}

function typeOf(detection: RawMap): string {
  return typeof detection['type'] === 'string' ? detection['type'] : 'server_vad';
}

function mapOf(value: unknown): RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RawMap) : {};
}
