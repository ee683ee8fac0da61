import type { CodegenConfig } from '@graphql-codegen/cli';

// The types come from the schema that the server exports: a change that breaks a page fails its build.
const config: CodegenConfig = {
  schema: '../schema.graphql',
  documents: 'src/**/*.graphql',
  ignoreNoDocuments: true,
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: 'string', ID: 'string' },
        documentMode: 'documentNodeImportFragments',
      },
    },
  },
};

export default config;
