// Types alone come from Ringbridge, so that the compiled file needs nothing beside it.
import type { ArgumentsOf, ModuleContext, ToolModule } from 'ringbridge/tools';

const parameters = {
  order_id: { type: 'string', description: 'The number of the order, digits only.' },
  detail: { type: 'string', enum: ['state', 'address'], required: false },
} as const;

const orders = new Map([
  ['4711', { state: 'sent', address: '12 Harbour Street' }],
  ['4712', { state: 'packed', address: '3 Mill Lane' }],
]);

async function run({ order_id, detail }: ArgumentsOf<typeof parameters>, { signal, progress }: ModuleContext) {
  progress('I have the order book open, one moment.');
  await pause(300, signal);
  const order = orders.get(order_id);
  // The message is told to the model; that of any other error is not.
  if (order === undefined) throw Object.assign(new Error('There is no such order.'), { name: 'ToolError' });
  return detail === undefined ? order : { [detail]: order[detail] };
}

/** Stands in for a database; what takes time listens to the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('given up'));
    });
  });
}

const tool: ToolModule<typeof parameters> = {
  description: 'Finds out how far an order is. Ask for its number first.',
  parameters,
  timeoutMs: 5_000,
  run,
};
export default tool;
