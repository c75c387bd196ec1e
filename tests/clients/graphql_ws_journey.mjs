// Everything over one WebSocket: queries and mutations, too.
import { connect, courseAssignments } from "./graphql_ws.mjs";
import { journey, print, school } from "./journey.mjs";
import "./web_socket.mjs";

const client = connect({ url: school.url });

async function execute(query, variables) {
  for await (const { data, errors } of client.iterate({ query, variables })) {
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }
}

const subscribe = (query, variables) => courseAssignments(client, query, variables);
const seen = await journey({ query: execute, mutate: execute, subscribe });

// Cut the connection under a subscription: it goes on where it was.
const sockets = [];
const cuttable = connect({ url: school.url });
cuttable.on("opened", (socket) => sockets.push(socket));
const events = courseAssignments(
  cuttable,
  "subscription ($studentId: ID, $after: ID) { courseAssignments(studentId: $studentId, after: $after) { id kind } }",
  { studentId: school.studentId, after: school.after },
);
const told = [];
const tell = async () => told.push((await events.next()).value.courseAssignments.kind);
for (let i = 0; i < 4; i++) await tell();
sockets[0].terminate();
await execute(
  "mutation ($input: UnassignCourseInput!) { unassignCourse(input: $input) { __typename } }",
  { input: { studentId: school.studentId, courseId: school.openId } },
);
await tell();
print({ ...seen, connections: sockets.length, told });
process.exit();
