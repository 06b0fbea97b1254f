import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import io.debezium.engine.format.KeyValueHeaderChangeEventFormat;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Writes down what Debezium's connector says of a database, in each of the forms that it can be set to: FOLDER/form.jsonl has a line a record, its
 * topic, and its key and value as texts.
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
    boolean last, beat, open = true;
    String failure;

    Connector(String name, Properties common, String... more) {
        this.name = name;
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

    synchronized void take(ChangeEvent<String, String> e) throws java.io.IOException {
        if (!open)
            return;
        boolean heartbeat = e.destination().startsWith("__debezium-heartbeat");
        if (!heartbeat || !beat) // they come by time: one is enough
            out.write("{\"topic\":" + quoted(e.destination()) + ",\"key\":" + quoted(e.key()) + ",\"value\":" + quoted(e.value()) + "}\n");
        beat |= heartbeat;
        if (e.destination().endsWith(".zz_end") && e.value() != null) {
            loaded.countDown();
            last |= e.value().contains("\"id\":2");
        }
        if (last && beat) {
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
        for (Connector c : forms) {
            if (postgres)
                c.set("plugin.name", "pgoutput", "database.dbname", "dsql", "slot.name", c.name, "publication.name", c.name, "slot.drop.on.stop", "true");
            else
                c.set("database.include.list", "dsql", "database.server.id", String.valueOf(100 + forms.indexOf(c)));
            c.out = Files.newBufferedWriter(folder.resolve(c.name + ".jsonl"));
            DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine
                    .create(KeyValueHeaderChangeEventFormat.of(Json.class, Json.class, Json.class))
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
                            c.take((ChangeEvent<String, String>) (ChangeEvent<?, ?>) e);
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

    static void fail(Connector c, String what) throws Exception {
        throw new Exception("the form " + c.name + " " + what + (c.failure == null ? "" : ": " + c.failure));
    }
}
