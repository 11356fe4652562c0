import tseslint from 'typescript-eslint';

// Time and randomness come in through constructors; only runtime/ may touch the real ones (ARCHITECTURE.md, "Time").
const worldGlobals = [
  'Date',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
].map((name) => ({ name, message: 'Take a Clock from src/runtime instead.' }));

const worldProperties = [
  { object: 'process', property: 'hrtime', message: 'Take a Clock from src/runtime instead.' },
  { object: 'Math', property: 'random', message: 'Take a Random from src/runtime instead.' },
  ...['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync', 'randomFill', 'getRandomValues'].flatMap((property) =>
    ['crypto', 'webcrypto'].map((object) => ({ object, property, message: 'Take a Random from src/runtime instead.' })),
  ),
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', '.cache/**', 'data/**', 'demo-output/**'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/runtime/**'],
    rules: {
      'no-restricted-globals': ['error', ...worldGlobals],
      'no-restricted-properties': ['error', ...worldProperties],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:timers', message: 'Take a Clock from src/runtime instead.' },
            { name: 'node:timers/promises', message: 'Take a Clock from src/runtime instead.' },
            { name: 'node:perf_hooks', message: 'Take a Clock from src/runtime instead.' },
            {
              name: 'node:crypto',
              importNames: [
                'randomBytes',
                'randomUUID',
                'randomInt',
                'randomFillSync',
                'randomFill',
                'getRandomValues',
              ],
              message: 'Take a Random from src/runtime instead.',
            },
          ],
        },
      ],
      'max-lines': ['warn', { max: 450, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
