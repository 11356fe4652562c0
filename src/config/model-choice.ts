import { isLoopback } from './setting-formats';
import type { Settings } from './settings';

/** What answers the calls of agents that name no model of their own. */
export type ModelChoice =
  | { kind: 'api'; url: string; model: string }
  | { kind: 'simulator'; why: string }
  /** The start fails with this line. */
  | { kind: 'refused'; line: string };

/** A machine on the line must be wanted: the simulator speaks only where no stranger can call, or where it was named. */
export function modelChoice(settings: Settings): ModelChoice {
  if (settings.realtimeUrl === 'simulator') {
    return { kind: 'simulator', why: 'RINGBRIDGE_REALTIME_URL names it' };
  }
  if (settings.realtimeModel === 'simulator') {
    return { kind: 'simulator', why: 'RINGBRIDGE_REALTIME_MODEL names it' };
  }
  const needsKey = /(^|\.)openai\.com$/.test(new URL(settings.realtimeUrl).hostname);
  if (settings.openaiApiKey !== undefined || !needsKey) {
    return { kind: 'api', url: settings.realtimeUrl, model: settings.realtimeModel };
  }
  const reachable = reachableBy(settings);
  if (reachable === undefined) {
    return { kind: 'simulator', why: 'OPENAI_API_KEY is not set and only this machine can call' };
  }
  const line =
    `OPENAI_API_KEY is not set, and strangers can call (${reachable}): ` +
    'set the key, or RINGBRIDGE_REALTIME_URL=simulator to put the built-in machine on the line';
  return { kind: 'refused', line };
}

/** The first setting that lets calls in from other machines. */
function reachableBy(settings: Settings): string | undefined {
  if (settings.drachtio !== undefined) return 'RINGBRIDGE_DRACHTIO is set';
  if (settings.drachtioListen !== undefined) return 'RINGBRIDGE_DRACHTIO_LISTEN is set';
  if (settings.freeswitch !== undefined) return 'RINGBRIDGE_FREESWITCH is set';
  const open = settings.sipListen.find((listener) => !isLoopback(listener.address));
  return open === undefined ? undefined : `RINGBRIDGE_SIP_LISTEN has ${open.transport}:${open.address}`;
}
