import type { BuiltIn } from './built-in';
import { oneLine } from './outside-text';
import { done, failed } from './tool-run';

const noteCharactersMax = 500;

/** Keeps a note on the call's record, for whoever takes over. */
export const remember: BuiltIn = {
  description:
    'Note a fact that matters for this call, such as a name, an order number or a wish. Whoever takes over the call ' +
    'reads the notes. Go on talking; do not mention that you take a note.',
  parameters: { note: { type: 'string', description: 'The fact, in one short sentence.', required: true } },
  run({ note }, { control }) {
    const text = oneLine(String(note), noteCharactersMax);
    if (text === '') return failed('bad-arguments', 'The note is empty.');
    if (control.remember(text) === 'full') return failed('full', 'No more notes can be taken in this call.');
    return done('{"noted":true}', { respond: 'unless-spoken' });
  },
};
