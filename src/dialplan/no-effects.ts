import { isMap, type RawMap } from './raw-map';

/** A key that is well formed and would do nothing where it stands. */
export interface NoEffect {
  /** From the thing down to the key. */
  readonly path: readonly string[];
  readonly why: string;
}

/** Looks at one agent as it was written; what has the wrong kind is passed over, for that is told elsewhere. */
export function agentNoEffects(agent: RawMap): NoEffect[] {
  const found: NoEffect[] = [];
  const { idle, language, transcription } = agent;
  if (isMap(idle)) {
    if ('check_in' in idle && idle['check_ins'] === 0) {
      found.push({ path: ['idle', 'check_in'], why: 'with check_ins: 0 nobody checks in' });
    }
    // A transfer that reaches nobody ends in a goodbye, too.
    if ('goodbye' in idle && idle['then'] === 'wait') {
      found.push({ path: ['idle', 'goodbye'], why: 'with then: wait nobody says goodbye' });
    }
  }
  if ('include' in agent && transcription === undefined) {
    found.push({ path: ['include'], why: 'without transcription there is nothing to add to' });
  }
  const isTranscribed = isMap(transcription) && !('language' in transcription) && !('languages' in transcription);
  if (language !== undefined && 'prompt' in agent && !('instructions' in agent) && !isTranscribed) {
    found.push({ path: ['language'], why: 'instructions beside a hosted prompt would replace it' });
  }
  return found;
}

/** As `agentNoEffects`. */
export function destinationNoEffects(destination: RawMap): NoEffect[] {
  const { to, method, supervisor } = destination;
  const found: NoEffect[] = [];
  if (typeof to === 'string' && to.startsWith('user:') && 'trunk' in destination) {
    found.push({ path: ['trunk'], why: 'phones of our users are called without one' });
  }
  // Supervisors are called from here, whatever the method.
  if (method !== 'refer' || supervisor !== undefined) return found;
  if ('headers' in destination) {
    found.push({ path: ['headers'], why: "with method: refer the caller's side places the call" });
  }
  if (typeof to === 'string' && /^sips?:/.test(to) && 'trunk' in destination) {
    found.push({ path: ['trunk'], why: "with method: refer the caller's side chooses the way to an address" });
  }
  return found;
}

/** As `agentNoEffects`. */
export function routeNoEffects(route: RawMap): NoEffect[] {
  const { limits } = route;
  if (!('bridge' in route) || !isMap(limits) || !('cost' in limits)) return [];
  return [{ path: ['limits', 'cost'], why: 'a call without an agent costs nothing at the model' }];
}
