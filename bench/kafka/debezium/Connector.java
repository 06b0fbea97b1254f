import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Avro;
import io.debezium.engine.format.Json;
import io.debezium.engine.format.KeyValueHeaderChangeEventFormat;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedWriter;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Writes down what Debezium's connector says of a database, in each of the forms that it can be set to: FOLDER/form.jsonl has a line a record, its
 * topic, and its key and value as texts; those in Avro in base64, and a line a schema, its number and text.
 *
 * java -cp 'JARS/*' Connector.java postgres|mariadb PORT CHANGES.sql FOLDER
 *
 * The database has its tables when it starts; when each form has read them, the statements of CHANGES.sql run, a line each. The end is the row
 * 2 of the table zz_end, and one heartbeat.
 */
public class Connector {
    final String name;
    final Properties config = new Properties();
    final CountDownLatch loaded = new CountDownLatch(1), ended = new CountDownLatch(1);
    BufferedWriter out;
    final boolean avro;
    Registry schemas;
    boolean beat, open = true;
    int ends;
    String failure;

    Connector(String name, Properties common, String... more) {
        this.name = name;
        avro = name.endsWith("avro");
        config.putAll(common);
        config.put("name", name);
        config.put("topic.prefix", name);
        set(more);
    }

    void set(String... more) {
        for (int i = 0; i < more.length; i += 2)
            config.put(more[i], more[i + 1]);
    }

    static String quoted(String s) {
        if (s == null)
            return "null";
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray())
            if (c == '"' || c == '\\')
                b.append('\\').append(c);
            else if (c < 32)
                b.append(String.format("\\u%04x", (int) c));
            else
                b.append(c);
        return b.append('"').toString();
    }

    String text(Object of) {
        return of == null ? null : of instanceof byte[] b ? Base64.getEncoder().encodeToString(b) : of.toString();
    }

    synchronized void take(ChangeEvent<?, ?> e) throws java.io.IOException {
        if (!open)
            return;
        boolean heartbeat = e.destination().startsWith("__debezium-heartbeat");
        if (!heartbeat || !beat) // they come by time: one is enough
            out.write("{\"topic\":" + quoted(e.destination()) + ",\"key\":" + quoted(text(e.key())) + ",\"value\":" + quoted(text(e.value())) + "}\n");
        beat |= heartbeat;
        if (e.destination().endsWith(".zz_end") && e.value() != null) {
            loaded.countDown();
            ends++;
        }
        if (ends == 2 && beat) {
            if (avro)
                schemas.write(out);
            out.close();
            open = false;
            ended.countDown();
        }
    }

    public static void main(String[] args) {
        int code = 1;
        try {
            run(args);
            code = 0;
        } catch (Exception e) {
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(code); // engines have threads that would go on, and the database goes as well
    }

    static void run(String[] args) throws Exception {
        boolean postgres = args[0].equals("postgres");
        String port = args[1], user = postgres ? "postgres" : "root";
        Path folder = Path.of(args[3]);
        Properties common = new Properties();
        String jdbc = "jdbc:" + (postgres ? "postgresql" : "mariadb") + "://127.0.0.1:" + port + "/dsql?user=" + user;
        common.put("connector.class", postgres ? "io.debezium.connector.postgresql.PostgresConnector" : "io.debezium.connector.mariadb.MariaDbConnector");
        common.put("database.user", user);
        common.put("database.password", postgres ? "postgres" : "");
        common.put("database.hostname", "127.0.0.1");
        common.put("database.port", port);
        common.put("offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
        common.put("offset.flush.interval.ms", "60000");
        common.put("schema.history.internal", "io.debezium.relational.history.MemorySchemaHistory");
        common.put("skipped.operations", "none");
        common.put("provide.transaction.metadata", "true");
        common.put("heartbeat.interval.ms", "200");
        common.put("converter.schemas.enable", "true");
        List<Connector> forms = new ArrayList<>();
        String[] flat = {"transforms", "unwrap", "transforms.unwrap.type", "io.debezium.transforms.ExtractNewRecordState", "transforms.unwrap.add.fields",
                "op,source.ts_ms," + (postgres ? "source.lsn,lsn" : "source.pos,pos,source.file") + ",transaction.id",
                "transforms.unwrap.delete.tombstone.handling.mode", "rewrite-with-tombstone", "converter.schemas.enable", "true"};
        String[] bare = flat.clone();
        bare[bare.length - 1] = "false";
        forms.add(new Connector("schema", common));
        forms.add(new Connector("plain", common, "converter.schemas.enable", "false"));
        forms.add(new Connector("flat", common, flat));
        forms.add(new Connector("flatplain", common, bare));
        forms.add(new Connector("texts", common, "decimal.handling.mode", "string", "binary.handling.mode", "base64", "time.precision.mode", "connect",
                "interval.handling.mode", "string", "hstore.handling.mode", "map", "bigint.unsigned.handling.mode", "precise"));
        forms.add(new Connector("iso", common, "decimal.handling.mode", "double", "binary.handling.mode", "hex", "time.precision.mode", "isostring"));
        forms.add(new Connector("nanos", common, "binary.handling.mode", "base64-url-safe", "time.precision.mode", "nanoseconds"));
        String[] avro = {"converter.apicurio.registry.auto-register", "true", "converter.apicurio.registry.use-id", "contentId",
                "converter.apicurio.registry.headers.enabled", "false", "converter.apicurio.registry.id-handler", "io.apicurio.registry.serde.Legacy4ByteIdHandler"};
        forms.add(new Connector("avro", common, avro));
        forms.add(new Connector("flatavro", common, flat));
        forms.get(forms.size() - 1).set(avro);
        for (Connector c : forms) {
            if (postgres)
                c.set("plugin.name", "pgoutput", "database.dbname", "dsql", "slot.name", c.name, "publication.name", c.name, "slot.drop.on.stop", "true");
            else
                c.set("database.include.list", "dsql", "database.server.id", String.valueOf(100 + forms.indexOf(c)));
            c.out = Files.newBufferedWriter(folder.resolve(c.name + ".jsonl"));
            if (c.avro)
                c.set("converter.apicurio.registry.url", (c.schemas = new Registry()).url + "/apis/registry/v2");
            @SuppressWarnings({"unchecked", "rawtypes"})
            DebeziumEngine<ChangeEvent<Object, Object>> engine = ((DebeziumEngine.Builder) DebeziumEngine
                    .create(c.avro ? (KeyValueHeaderChangeEventFormat) KeyValueHeaderChangeEventFormat.of(Avro.class, Avro.class, Json.class)
                            : KeyValueHeaderChangeEventFormat.of(Json.class, Json.class, Json.class)))
                    .using(c.config).using((success, message, error) -> {
                        if (!success) {
                            c.failure = message;
                            for (Throwable cause = error; cause != null; cause = cause.getCause())
                                c.failure += "\n" + cause;
                            c.loaded.countDown();
                            c.ended.countDown();
                        }
                    }).notifying(e -> {
                        try {
                            c.take((ChangeEvent<?, ?>) e);
                        } catch (java.io.IOException x) {
                            throw new java.io.UncheckedIOException(x);
                        }
                    }).build();
            Thread t = new Thread(engine, c.name);
            t.setDaemon(true);
            t.start();
        }
        for (Connector c : forms)
            if (!c.loaded.await(120, TimeUnit.SECONDS) || c.failure != null)
                fail(c, "did not read the tables");
        try (var db = DriverManager.getConnection(jdbc); var s = db.createStatement()) {
            for (String line : Files.readAllLines(Path.of(args[2])))
                if (!line.isBlank() && !line.startsWith("--"))
                    s.execute(line);
        }
        for (Connector c : forms)
            if (!c.ended.await(120, TimeUnit.SECONDS) || c.failure != null)
                fail(c, "did not come to the end");
    }

    /** What a registry has to do here, in Apicurio's words: number the schemas that come. */
    static class Registry {
        final String url;
        final List<String> texts = new ArrayList<>();

        Registry() throws java.io.IOException {
            HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            url = "http://127.0.0.1:" + server.getAddress().getPort();
            server.createContext("/", x -> {
                String body = new String(x.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                int id = number(body);
                byte[] answer = String.format("{\"id\":\"s%d\",\"version\":\"1\",\"type\":\"AVRO\",\"globalId\":%d,\"contentId\":%d,\"state\":\"ENABLED\"}", id, id, id)
                        .getBytes(StandardCharsets.UTF_8);
                x.getResponseHeaders().set("Content-Type", "application/json");
                x.sendResponseHeaders(200, answer.length);
                x.getResponseBody().write(answer);
                x.close();
            });
            server.start();
        }

        synchronized int number(String text) {
            if (!texts.contains(text))
                texts.add(text);
            return texts.indexOf(text) + 1;
        }

        synchronized void write(BufferedWriter out) throws java.io.IOException {
            for (String text : texts)
                out.write("{\"id\":" + number(text) + ",\"schema\":" + quoted(text) + "}\n");
        }
    }

    static void fail(Connector c, String what) throws Exception {
        throw new Exception("the form " + c.name + " " + what + (c.failure == null ? "" : ": " + c.failure));
    }
}
