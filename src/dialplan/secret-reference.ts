import { invariant } from '../runtime/invariant';
import { Secret } from '../runtime/secret';

/** The secrets of a plan, by the reference that stands in it: `env:NAME` or `file:PATH`. */
export type PlanSecrets = ReadonlyMap<string, Secret>;

const referenceForm = /^((?:[A-Za-z]{1,20} )?)((?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:[^\p{Cc}]{1,200}))$/u;

/** `Token env:NAME` as what is sent before the secret, `Token `, and its reference; undefined for a text without one. */
export function secretReferenceIn(text: string): { before: string; reference: string } | undefined {
  const match = referenceForm.exec(text);
  return match === null ? undefined : { before: match[1] ?? '', reference: match[2] ?? '' };
}

/** The secret that a text consists of, with the word before it; a text without a reference is one as it stands. */
export function secretOf(text: string, secrets: PlanSecrets): Secret {
  const found = secretReferenceIn(text);
  if (found === undefined) return new Secret(text);
  const secret = secrets.get(found.reference);
  invariant(secret !== undefined, 'every place of a secret is in secretPlaces, and what it names was found');
  return found.before === '' ? secret : new Secret(found.before + secret.reveal());
}
