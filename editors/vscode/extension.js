const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
let client;
exports.activate = () => {
  const settings = workspace.getConfiguration("dsql");
  const server = { command: settings.get("path"), args: ["lsp", ...settings.get("arguments")] };
  client = new LanguageClient("dsql", "dsql", server, { documentSelector: [{ language: "sql" }] });
  return client.start();
};
exports.deactivate = () => client && client.stop();
