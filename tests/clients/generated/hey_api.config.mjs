// Node wants the ending of a module's file.
export default {
  input: './openapi.json',
  output: { path: 'client', module: { extension: '.js' } },
}
