import { nearestWord } from '../runtime/nearest-word';
import { isMap, type RawMap } from './raw-map';

/** A value that is well formed and that the Realtime API would nevertheless refuse, taking the call with it. */
export interface ApiRefusal {
  /** From the agent down. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected: string;
  readonly nearest?: string | undefined;
}

const keywordModels = ['gpt-transcribe', 'gpt-live-transcribe'];
const streamingModels = ['gpt-realtime-whisper', 'gpt-live-transcribe'];
/** Models of other endpoints, or shut down: the session is refused with `invalid_model` or `model_not_found`. */
const notForCalls =
  /^(?:gpt-4o(?:-mini)?-realtime-preview.*|gpt-realtime-whisper|gpt-realtime-translate|gpt-audio.*|.*-transcribe.*|whisper-1)$/;
const withoutReasoning = /^gpt-realtime(?:-1\.5|-mini)?(?:-\d{4}-\d{2}-\d{2})?$/;
const instructionModels = 'a Realtime model such as gpt-realtime-2';

/** Looks at one agent as it was written; what has the wrong kind is passed over, for that is told elsewhere. */
export function apiRefusals(agent: RawMap): ApiRefusal[] {
  return [...modelRefusals(agent), ...transcriptionRefusals(agent), ...toolChoiceRefusals(agent)];
}

function modelRefusals({ model, ...agent }: RawMap): ApiRefusal[] {
  if (typeof model !== 'string' || model.startsWith('simulator:')) return [];
  const found: ApiRefusal[] = [];
  if (notForCalls.test(model)) {
    found.push({ path: ['model'], message: `the API has no calls with model "${model}"`, expected: instructionModels });
  }
  if (!withoutReasoning.test(model)) return found;
  for (const key of ['reasoning', 'parallel_tool_calls'].filter((one) => one in agent)) {
    const message = `"${key}" is for reasoning models, and ${model} is none`;
    found.push({ path: [key], message, expected: 'to be left out, or gpt-realtime-2 as model' });
  }
  return found;
}

function transcriptionRefusals({ transcription }: RawMap): ApiRefusal[] {
  if (!isMap(transcription) || typeof transcription['model'] !== 'string') return [];
  const { model } = transcription;
  const found: ApiRefusal[] = [];
  const only = (key: string, models: readonly string[]): void => {
    if (!(key in transcription) || models.includes(model)) return;
    const message = `"${key}" is not for transcription model ${model}`;
    found.push({ path: ['transcription', key], message, expected: `one of ${models.join(', ')} as model` });
  };
  only('languages', keywordModels);
  only('keywords', keywordModels);
  only('delay', streamingModels);
  if (model.endsWith('-diarize') && 'prompt' in transcription) {
    const message = `"prompt" is not for transcription model ${model}`;
    found.push({ path: ['transcription', 'prompt'], message, expected: 'to be left out' });
  }
  if ('language' in transcription && 'languages' in transcription) {
    const message = '"language" and "languages" together';
    found.push({ path: ['transcription', 'languages'], message, expected: 'one of the two' });
  }
  return found;
}

function toolChoiceRefusals({ tool_choice: choice, tools }: RawMap): ApiRefusal[] {
  const names = Array.isArray(tools) ? tools.filter((name) => typeof name === 'string') : [];
  if (choice === 'required' && names.length === 0) {
    const message = 'a tool is required at each turn, and the agent has none';
    return [{ path: ['tool_choice'], message, expected: 'auto, or tools' }];
  }
  if (!isMap(choice) || typeof choice['tool'] !== 'string' || names.includes(choice['tool'])) return [];
  const expected = names.length === 0 ? 'a tool, but the agent has none' : `one of ${names.join(', ')}`;
  const nearest = nearestWord(choice['tool'], names);
  return [{ path: ['tool_choice', 'tool'], message: `the agent has no tool "${choice['tool']}"`, expected, nearest }];
}
