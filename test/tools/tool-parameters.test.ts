import { argumentsFault, parametersSchema, type ToolParameter } from '../../src/tools/tool-parameters';

const enums: readonly [ToolParameter, readonly unknown[], unknown, unknown][] = [
  [{ type: 'string', enum: ['red', '2'] }, ['red', '2'], '2', 2],
  [{ type: 'number', enum: ['1.50', '2'] }, [1.5, 2], 1.5, '2'],
  [{ type: 'integer', enum: ['1', '2'] }, [1, 2], 2, 3],
  [{ type: 'boolean', enum: ['true'] }, [true], true, false],
];

test.each(enums)('the values of %j are told in its own type, and checked in it', (parameter, told, good, bad) => {
  expect(parametersSchema({ value: parameter })).toMatchObject({ properties: { value: { enum: told } } });
  expect(argumentsFault({ value: good }, { value: parameter })).toBeUndefined();
  expect(argumentsFault({ value: bad }, { value: parameter })).toEqual(expect.any(String));
});
