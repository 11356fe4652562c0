/** What a model is asked to say when it is a voice and nothing else. */
export interface WordForWord {
  instructions: string;
  metadata: Record<string, string>;
}

/** A sentence of the plan, or of a tool's progress. */
export function wordForWord(sentence: string): WordForWord {
  const instructions = `Say exactly these words to the caller, and add nothing: ${JSON.stringify(sentence)}`;
  return { instructions, metadata: { purpose: 'while-waiting' } };
}

/** The agent's first words. */
export function greetingInWords(greeting: string): WordForWord {
  const instructions = `Greet the caller with exactly these words, and add nothing: ${JSON.stringify(greeting)}`;
  return { instructions, metadata: { purpose: 'greeting' } };
}
