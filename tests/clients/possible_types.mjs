// Which types each interface and union stands for. Ask once, when the client is built, and keep the answer as a file.
export async function possibleTypes(url) {
  const query = "{ __schema { types { name possibleTypes { name } } } }";
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { types } = (await response.json()).data.__schema;
  const abstract = types.filter((type) => type.possibleTypes);
  return Object.fromEntries(abstract.map((type) => [type.name, type.possibleTypes.map((possible) => possible.name)]));
}
