import { refusals } from './application';
import type { Target } from './attempts';
import type { LocateFault, Locator } from './locator';
import type { Binding } from './registrar';
import type { SipRequest } from './sip-message';
import type { SipUri } from './uri';
import { parseSipUri } from './uri';

/** `unregistered`: a user of ours who can be reached nowhere. */
export type TargetFault = LocateFault | 'unregistered';

/** Where a request for `uri` outside dialogs may go, in order; at least one place. Calls `done` at once for an address. */
export type FindTargets = (uri: string, done: (found: readonly Target[] | TargetFault) => void) => void;

/** What an application is told of a target that is none. */
export function refusalOf(
  fault: Exclude<TargetFault, 'no-address' | 'unregistered'>,
  { method, uri }: SipRequest,
): string {
  switch (fault) {
    case 'uri-malformed':
      return `invalid request-uri: ${method} ${uri} SIP/2.0`;
    case 'no-transport':
      return refusals.noTransport;
    case 'ourselves':
      return refusals.toOurselves;
  }
}

interface Sources {
  readonly locator: Locator;
  /** The registrations of the user that a URI names; undefined when it names none of ours. */
  readonly bindingsOf: (uri: SipUri) => readonly Binding[] | undefined;
}

/** A user of ours is found where its phones registered, anybody else by the URI. */
export function createFindTargets({ locator, bindingsOf }: Sources): FindTargets {
  return (uri, done) => {
    const parsed = parseSipUri(uri);
    const bindings = typeof parsed === 'string' ? undefined : bindingsOf(parsed);
    if (bindings === undefined) {
      locator.locateAll(uri, undefined, (found) => {
        done(typeof found === 'string' ? found : found.map((flow) => ({ uri: undefined, flow })));
      });
    } else {
      done(bindings.length > 0 ? bindings : 'unregistered');
    }
  };
}
