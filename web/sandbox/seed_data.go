package sandbox

// word is a name as it is shown, and as it stands in an address.
type word struct{ shown, slug string }

type place struct{ city, state, slug string }

// locale is what the customers of one country are drawn from.
type locale struct {
	country, code string
	first, last   []word
	stems, trades []word
	suffixes      []string
	places        []place
	streets       []string
	numberFirst   bool // "12 High Street", not "Storgatan 12"
	lastFirst     bool // family name first
	zip           string
	phones        []string
}

// Phone numbers are made from ranges that are kept for fiction where a country
// has some.
var locales = []locale{
	{
		country: "United States", code: "US",
		first:    []word{{"James", "james"}, {"Maria", "maria"}, {"Linda", "linda"}, {"Robert", "robert"}, {"Aisha", "aisha"}, {"Carlos", "carlos"}, {"Emily", "emily"}, {"Daniel", "daniel"}, {"Grace", "grace"}, {"Tyler", "tyler"}, {"Sofia", "sofia"}, {"Marcus", "marcus"}},
		last:     []word{{"Johnson", "johnson"}, {"O'Brien", "o'brien"}, {"Garcia", "garcia"}, {"Miller", "miller"}, {"Nguyen", "nguyen"}, {"Washington", "washington"}, {"Kowalski", "kowalski"}, {"Park", "park"}, {"Foster", "foster"}, {"Reyes", "reyes"}, {"Hughes", "hughes"}, {"Bennett", "bennett"}},
		stems:    []word{{"Blue Ridge", "blueridge"}, {"Lakeshore", "lakeshore"}, {"Pioneer", "pioneer"}, {"Summit", "summit"}, {"Redwood", "redwood"}, {"Liberty", "liberty"}, {"Harbor", "harbor"}, {"Cascade", "cascade"}, {"Prairie", "prairie"}, {"Copper Creek", "coppercreek"}, {"Ironwood", "ironwood"}, {"Bright Star", "brightstar"}},
		trades:   []word{{"Dental", "dental"}, {"Roofing", "roofing"}, {"Logistics", "logistics"}, {"Auto Group", "autogroup"}, {"Realty", "realty"}, {"Health", "health"}, {"Media", "media"}, {"Software", "software"}, {"Foods", "foods"}, {"Fitness", "fitness"}},
		suffixes: []string{"Inc.", "LLC", "Corp.", "Co."},
		places:   []place{{"Austin", "TX", "austin"}, {"Portland", "OR", "portland"}, {"Chicago", "IL", "chicago"}, {"San Francisco", "CA", "sanfrancisco"}, {"New York", "NY", "newyork"}, {"Denver", "CO", "denver"}, {"Atlanta", "GA", "atlanta"}, {"Seattle", "WA", "seattle"}, {"Miami", "FL", "miami"}, {"Boston", "MA", "boston"}, {"Minneapolis", "MN", "minneapolis"}, {"Los Angeles", "CA", "losangeles"}},
		streets:  []string{"Main Street", "Oak Avenue", "Market Street", "Lincoln Blvd", "2nd Avenue"}, numberFirst: true,
		zip: "#####", phones: []string{"(415) 555-01##", "+1 512 555 01##", "312-555-01##", "206.555.01##", "+1-404-555-01##", "13055550 1##"},
	},
	{
		country: "United Kingdom", code: "GB",
		first:    []word{{"Oliver", "oliver"}, {"Amelia", "amelia"}, {"Harry", "harry"}, {"Priya", "priya"}, {"Fiona", "fiona"}, {"Callum", "callum"}, {"Charlotte", "charlotte"}, {"Imran", "imran"}, {"Gareth", "gareth"}, {"Isla", "isla"}},
		last:     []word{{"Smith", "smith"}, {"Taylor", "taylor"}, {"MacLeod", "macleod"}, {"Patel", "patel"}, {"Davies", "davies"}, {"Hughes-Price", "hughes-price"}, {"O'Connor", "o'connor"}, {"Khan", "khan"}, {"Walker", "walker"}, {"Ashworth", "ashworth"}},
		stems:    []word{{"Thames", "thames"}, {"Albion", "albion"}, {"Kingfisher", "kingfisher"}, {"Beacon", "beacon"}, {"Highland", "highland"}, {"Merchant", "merchant"}, {"Foxglove", "foxglove"}, {"Severn", "severn"}, {"Northgate", "northgate"}, {"Old Mill", "oldmill"}},
		trades:   []word{{"Catering", "catering"}, {"Lettings", "lettings"}, {"Motors", "motors"}, {"Garden Centres", "gardencentres"}, {"Opticians", "opticians"}, {"Travel", "travel"}, {"Solicitors", "solicitors"}, {"Print", "print"}, {"Brewing", "brewing"}},
		suffixes: []string{"Ltd", "Limited", "plc", "LLP"},
		places:   []place{{"London", "", "london"}, {"Manchester", "", "manchester"}, {"Bristol", "", "bristol"}, {"Edinburgh", "", "edinburgh"}, {"Cardiff", "", "cardiff"}, {"Leeds", "", "leeds"}, {"Belfast", "", "belfast"}},
		streets:  []string{"High Street", "Station Road", "Church Lane", "Victoria Road", "Queen's Walk"}, numberFirst: true,
		zip: "@@# #@@", phones: []string{"020 7946 0###", "+44 20 7946 0###", "07700 900###", "+447700900###", "0044 7700 900###", "(0161) 496 0###"},
	},
	{
		country: "Sweden", code: "SE",
		first:    []word{{"Åsa", "asa"}, {"Björn", "bjorn"}, {"Elin", "elin"}, {"Göran", "goran"}, {"Karin", "karin"}, {"Lars", "lars"}, {"Märta", "marta"}, {"Nils", "nils"}, {"Örjan", "orjan"}, {"Sara", "sara"}},
		last:     []word{{"Andersson", "andersson"}, {"Bergström", "bergstrom"}, {"Åkesson", "akesson"}, {"Lindqvist", "lindqvist"}, {"Öberg", "oberg"}, {"Sjögren", "sjogren"}, {"Wallin", "wallin"}, {"Hägg", "hagg"}, {"Nyström", "nystrom"}},
		stems:    []word{{"Nordstjärnan", "nordstjarnan"}, {"Älvdalens", "alvdalens"}, {"Mälarens", "malarens"}, {"Skärgårdens", "skargardens"}, {"Tre Björnar", "trebjornar"}, {"Östkustens", "ostkustens"}, {"Fjällbacken", "fjallbacken"}, {"Gröna Dalen", "gronadalen"}},
		trades:   []word{{"Bygg", "bygg"}, {"Åkeri", "akeri"}, {"Måleri", "maleri"}, {"Redovisning", "redovisning"}, {"Trädgård", "tradgard"}, {"Tandvård", "tandvard"}, {"Elteknik", "elteknik"}, {"Bageri", "bageri"}},
		suffixes: []string{"AB", "AB", "HB", "& Söner AB"},
		places:   []place{{"Stockholm", "", "stockholm"}, {"Göteborg", "", "goteborg"}, {"Malmö", "", "malmo"}, {"Jönköping", "", "jonkoping"}, {"Umeå", "", "umea"}, {"Västerås", "", "vasteras"}, {"Örebro", "", "orebro"}},
		streets:  []string{"Storgatan", "Drottninggatan", "Kungsgatan", "Ågatan", "Västra Hamngatan"},
		zip:      "### ##", phones: []string{"070-174 06 ##", "+46 70 174 06 ##", "0046701740 6##", "+467017406##", "08-465 004 ##"},
	},
	{
		country: "Germany", code: "DE",
		first:    []word{{"Jürgen", "juergen"}, {"Anke", "anke"}, {"Björn", "bjoern"}, {"Käthe", "kaethe"}, {"Lukas", "lukas"}, {"Mehmet", "mehmet"}, {"Sabine", "sabine"}, {"Uwe", "uwe"}, {"Leonie", "leonie"}},
		last:     []word{{"Müller", "mueller"}, {"Schäfer", "schaefer"}, {"Weiß", "weiss"}, {"Yılmaz", "yilmaz"}, {"Krüger", "krueger"}, {"Hoffmann", "hoffmann"}, {"Vogel", "vogel"}, {"von der Heide", "vonderheide"}},
		stems:    []word{{"Rheingold", "rheingold"}, {"Alpenblick", "alpenblick"}, {"Hansa", "hansa"}, {"Schwarzwälder", "schwarzwaelder"}, {"Elbufer", "elbufer"}, {"Sonnenhof", "sonnenhof"}, {"Bergmann", "bergmann"}, {"Eiche", "eiche"}},
		trades:   []word{{"Maschinenbau", "maschinenbau"}, {"Bäckerei", "baeckerei"}, {"Spedition", "spedition"}, {"Haustechnik", "haustechnik"}, {"Werbung", "werbung"}, {"Pflegedienst", "pflegedienst"}, {"Möbel", "moebel"}, {"Getränke", "getraenke"}},
		suffixes: []string{"GmbH", "GmbH & Co. KG", "AG", "e.K."},
		places:   []place{{"Berlin", "", "berlin"}, {"München", "", "muenchen"}, {"Köln", "", "koeln"}, {"Hamburg", "", "hamburg"}, {"Düsseldorf", "", "duesseldorf"}, {"Leipzig", "", "leipzig"}, {"Nürnberg", "", "nuernberg"}},
		streets:  []string{"Hauptstraße", "Bahnhofstraße", "Am Markt", "Goethestraße", "Lindenallee"},
		zip:      "#####", phones: []string{"+49 30 23125 ###", "030/23125###", "0049 171 39200##", "+49 (0)40 66969 ###", "0171-39200##"},
	},
	{
		country: "France", code: "FR",
		first:    []word{{"Camille", "camille"}, {"Élodie", "elodie"}, {"François", "francois"}, {"Hélène", "helene"}, {"Jean-Luc", "jean-luc"}, {"Manon", "manon"}, {"Noël", "noel"}, {"Yasmine", "yasmine"}},
		last:     []word{{"Moreau", "moreau"}, {"Lefèvre", "lefevre"}, {"D'Aubigné", "d'aubigne"}, {"Benali", "benali"}, {"Garnier", "garnier"}, {"Châtelain", "chatelain"}, {"Roux", "roux"}, {"Pélissier", "pelissier"}},
		stems:    []word{{"Belle Rive", "bellerive"}, {"L'Étoile", "letoile"}, {"Vallée Verte", "valleeverte"}, {"Grand Large", "grandlarge"}, {"Soleil Levant", "soleillevant"}, {"Trois Chênes", "troischenes"}, {"Atlantique", "atlantique"}},
		trades:   []word{{"Boulangerie", "boulangerie"}, {"Immobilier", "immobilier"}, {"Conseil", "conseil"}, {"Transports", "transports"}, {"Menuiserie", "menuiserie"}, {"Santé", "sante"}, {"Voyages", "voyages"}, {"Fromagerie", "fromagerie"}},
		suffixes: []string{"SARL", "SAS", "SA", "et Fils"},
		places:   []place{{"Paris", "", "paris"}, {"Lyon", "", "lyon"}, {"Marseille", "", "marseille"}, {"Saint-Étienne", "", "saintetienne"}, {"Nîmes", "", "nimes"}, {"Bordeaux", "", "bordeaux"}, {"Orléans", "", "orleans"}},
		streets:  []string{"rue de la République", "avenue Victor-Hugo", "place de l'Église", "boulevard Voltaire"}, numberFirst: true,
		zip: "#####", phones: []string{"01 99 00 ## ##", "+33 1 99 00 ## ##", "06.39.98.##.##", "+33639 98####", "0033 6 39 98 ## ##"},
	},
	{
		country: "Japan", code: "JP",
		first:    []word{{"健太", "kenta"}, {"美咲", "misaki"}, {"翔", "sho"}, {"陽子", "yoko"}, {"大輔", "daisuke"}, {"さくら", "sakura"}, {"直樹", "naoki"}},
		last:     []word{{"佐藤", "sato"}, {"鈴木", "suzuki"}, {"高橋", "takahashi"}, {"田中", "tanaka"}, {"渡辺", "watanabe"}, {"山本", "yamamoto"}, {"小林", "kobayashi"}},
		stems:    []word{{"富士見", "fujimi"}, {"青空", "aozora"}, {"大和", "yamato"}, {"さくら", "sakura"}, {"北斗", "hokuto"}, {"みらい", "mirai"}, {"東海", "tokai"}},
		trades:   []word{{"商事", "shoji"}, {"電機", "denki"}, {"建設", "kensetsu"}, {"食品", "shokuhin"}, {"物流", "butsuryu"}, {"システム", "system"}, {"不動産", "fudosan"}},
		suffixes: []string{"株式会社", "有限会社", "合同会社"}, lastFirst: true,
		places:  []place{{"東京", "", "tokyo"}, {"大阪", "", "osaka"}, {"札幌", "", "sapporo"}, {"福岡", "", "fukuoka"}, {"京都", "", "kyoto"}, {"名古屋", "", "nagoya"}},
		streets: []string{"中央", "本町", "桜通り", "駅前"},
		zip:     "###-####", phones: []string{"03-5550-####", "+81 3 5550 ####", "090-5550-####", "+81905550####", "(06) 5550-####"},
	},
	{
		country: "United Arab Emirates", code: "AE",
		first:    []word{{"أحمد", "ahmed"}, {"فاطمة", "fatima"}, {"خالد", "khalid"}, {"مريم", "maryam"}, {"يوسف", "yousef"}, {"ليلى", "layla"}},
		last:     []word{{"الهاشمي", "alhashimi"}, {"المنصوري", "almansoori"}, {"النعيمي", "alnuaimi"}, {"حداد", "haddad"}, {"الشامسي", "alshamsi"}},
		stems:    []word{{"النخيل", "alnakheel"}, {"الواحة", "alwaha"}, {"الخليج", "alkhaleej"}, {"الصقر", "alsaqr"}, {"اللؤلؤة", "allulua"}, {"القمر", "alqamar"}},
		trades:   []word{{"للتجارة", "trading"}, {"للمقاولات", "contracting"}, {"للسياحة", "tourism"}, {"العقارية", "properties"}, {"للتقنية", "technology"}},
		suffixes: []string{"ذ.م.م", "م.م.ح", "ش.م.ع"},
		places:   []place{{"دبي", "", "dubai"}, {"أبوظبي", "", "abudhabi"}, {"الشارقة", "", "sharjah"}},
		streets:  []string{"شارع الشيخ زايد", "شارع المطار", "شارع الكورنيش"},
		zip:      "#####", phones: []string{"+971 4 555 ####", "00971 50 555 ####", "050 555 ####", "+97150555####"},
	},
	{
		country: "Brazil", code: "BR",
		first:    []word{{"João", "joao"}, {"Conceição", "conceicao"}, {"Thiago", "thiago"}, {"Letícia", "leticia"}, {"Márcio", "marcio"}, {"Bruna", "bruna"}, {"Antônio", "antonio"}},
		last:     []word{{"Gonçalves", "goncalves"}, {"da Silva", "dasilva"}, {"Araújo", "araujo"}, {"Ferreira", "ferreira"}, {"Magalhães", "magalhaes"}, {"Tanaka", "tanaka"}},
		stems:    []word{{"Ipê Amarelo", "ipeamarelo"}, {"Boa Esperança", "boaesperanca"}, {"Rio Claro", "rioclaro"}, {"Beira-Mar", "beiramar"}, {"Três Irmãos", "tresirmaos"}, {"Cruzeiro do Sul", "cruzeirodosul"}},
		trades:   []word{{"Construções", "construcoes"}, {"Confecções", "confeccoes"}, {"Alimentos", "alimentos"}, {"Informática", "informatica"}, {"Veículos", "veiculos"}, {"Farmácias", "farmacias"}},
		suffixes: []string{"Ltda.", "S.A.", "ME", "EIRELI"},
		places:   []place{{"São Paulo", "", "saopaulo"}, {"Rio de Janeiro", "", "riodejaneiro"}, {"Belo Horizonte", "", "belohorizonte"}, {"Florianópolis", "", "florianopolis"}, {"Brasília", "", "brasilia"}},
		streets:  []string{"Rua das Flores", "Avenida Brasil", "Rua São João", "Avenida Paulista"},
		zip:      "#####-###", phones: []string{"(11) 95550-####", "+55 21 95550-####", "0055 31 3555-####", "+551135550###"},
	},
	{
		country: "India", code: "IN",
		first:    []word{{"Ananya", "ananya"}, {"Rahul", "rahul"}, {"Deepika", "deepika"}, {"Vikram", "vikram"}, {"Lakshmi", "lakshmi"}, {"Arjun", "arjun"}, {"Zoya", "zoya"}, {"Suresh", "suresh"}},
		last:     []word{{"Sharma", "sharma"}, {"Iyer", "iyer"}, {"Reddy", "reddy"}, {"Banerjee", "banerjee"}, {"Kaur", "kaur"}, {"D'Souza", "d'souza"}, {"Mehta", "mehta"}, {"Pillai", "pillai"}},
		stems:    []word{{"Lotus", "lotus"}, {"Ganga", "ganga"}, {"Himalaya", "himalaya"}, {"Shree Ganesh", "shreeganesh"}, {"Deccan", "deccan"}, {"Monsoon", "monsoon"}, {"Saffron", "saffron"}, {"Peacock", "peacock"}},
		trades:   []word{{"Textiles", "textiles"}, {"Infotech", "infotech"}, {"Pharma", "pharma"}, {"Exports", "exports"}, {"Spices", "spices"}, {"Builders", "builders"}, {"Academy", "academy"}, {"Jewellers", "jewellers"}},
		suffixes: []string{"Pvt. Ltd.", "Private Limited", "LLP", "& Sons"},
		places:   []place{{"Mumbai", "", "mumbai"}, {"Bengaluru", "", "bengaluru"}, {"Chennai", "", "chennai"}, {"Kolkata", "", "kolkata"}, {"Pune", "", "pune"}, {"Jaipur", "", "jaipur"}},
		streets:  []string{"MG Road", "Station Road", "Park Street", "Nehru Marg"}, numberFirst: true,
		zip: "### ###", phones: []string{"+91 98555 #####", "09855 5#####", "+91-22-5550-####", "0091 80 5550 ####"},
	},
	{
		country: "Poland", code: "PL",
		first:    []word{{"Łukasz", "lukasz"}, {"Agnieszka", "agnieszka"}, {"Michał", "michal"}, {"Żaneta", "zaneta"}, {"Paweł", "pawel"}, {"Katarzyna", "katarzyna"}, {"Świętosław", "swietoslaw"}},
		last:     []word{{"Wiśniewski", "wisniewski"}, {"Wójcik", "wojcik"}, {"Kamińska", "kaminska"}, {"Zając", "zajac"}, {"Dąbrowska", "dabrowska"}, {"Szczęsny", "szczesny"}},
		stems:    []word{{"Złoty Kłos", "zlotyklos"}, {"Biały Orzeł", "bialyorzel"}, {"Tatry", "tatry"}, {"Bursztyn", "bursztyn"}, {"Wisła", "wisla"}, {"Słoneczna", "sloneczna"}},
		trades:   []word{{"Meble", "meble"}, {"Usługi", "uslugi"}, {"Piekarnia", "piekarnia"}, {"Budownictwo", "budownictwo"}, {"Księgowość", "ksiegowosc"}, {"Zdrowie", "zdrowie"}},
		suffixes: []string{"sp. z o.o.", "S.A.", "s.c."},
		places:   []place{{"Warszawa", "", "warszawa"}, {"Kraków", "", "krakow"}, {"Łódź", "", "lodz"}, {"Gdańsk", "", "gdansk"}, {"Wrocław", "", "wroclaw"}, {"Poznań", "", "poznan"}},
		streets:  []string{"ul. Długa", "ul. Mickiewicza", "al. Jerozolimskie", "ul. Świętokrzyska"},
		zip:      "##-###", phones: []string{"+48 22 555 ## ##", "0048 600 555 ###", "600-555-###", "(12) 555 ## ##"},
	},
}

// curated are the first customers. The first eight are plain; after them comes
// one of each thing that a client has to get right.
var curated = []fields{
	{company: "Nordlicht Logistik GmbH", email: "jonas.brandt@nordlicht-logistik.example", name: "Jonas Brandt", address: "Speicherstraße 14", country: "Germany", city: "Hamburg", zip: "20457", phone: "+49 40 66969 120", website: "https://www.nordlicht-logistik.example"},
	{company: "Harbor & Pine Dental LLC", email: "grace.lin@harborpine.example", name: "Grace Lin", address: "410 Pine Street", country: "United States", city: "Seattle", state: "WA", zip: "98101", phone: "(206) 555-0142", website: "https://harborpine.example"},
	{company: "Åkessons Trädgård AB", email: "karin@akessons-tradgard.example", name: "Karin Åkesson", address: "Storgatan 3", country: "Sweden", city: "Jönköping", zip: "553 21", phone: "070-174 06 31", website: "www.akessons-tradgard.example"},
	{company: "富士見電機株式会社", email: "tanaka@fujimi-denki.example", name: "田中 陽子", address: "中央 2-4-1", country: "Japan", city: "東京", zip: "104-0031", phone: "+81 3 5550 0148", website: "https://www.fujimi-denki.example"},
	{company: "Boulangerie des Trois Chênes SARL", email: "helene.roux@troischenes.example", name: "Hélène Roux", address: "8 rue de la République", country: "France", city: "Lyon", zip: "69002", phone: "04 65 71 12 30", website: "https://troischenes.example"},
	{company: "شركة الواحة للتجارة ذ.م.م", email: "khalid@alwaha-trading.example", name: "خالد المنصوري", address: "شارع الشيخ زايد 120", country: "United Arab Emirates", city: "دبي", zip: "00000", phone: "+971 4 555 0117", website: "https://alwaha-trading.example"},
	{company: "Lotus Infotech Pvt. Ltd.", email: "ananya.iyer@lotus-infotech.example", name: "Ananya Iyer", address: "27 MG Road", country: "India", city: "Bengaluru", zip: "560 001", phone: "+91-80-5550-0163", website: "https://www.lotus-infotech.example"},
	{company: "Kingfisher Lettings Ltd", email: "callum.macleod@kingfisher-lettings.example", name: "Callum MacLeod", address: "15 Station Road", country: "United Kingdom", city: "Bristol", zip: "BS1 4QA", phone: "07700 900417", website: "https://kingfisher-lettings.example"},

	{company: "O'Neill & Daughters Catering Ltd", email: "o'neill+events@oneill-catering.example", name: "Siobhán O'Neill", address: "12 Shop Street", country: "Ireland", city: "Galway", zip: "H91 X2C4", phone: "+353 91 555 014", website: "https://oneill-catering.example"},
	{company: "Three Rivers Health Inc.", email: "Billing+ATOM@ThreeRivers.example", name: "Marcus Bennett", address: "77 Liberty Avenue", country: "United States", city: "Pittsburgh", state: "PA", zip: "15222", phone: "412-555-0119", website: "https://threerivers.example"},
	{company: "Sundqvist Bygg AB", email: "ekonomi@sundqvist.example", name: "Göran Sundqvist", address: "Rådhusesplanaden 6", country: "Sweden", city: "Umeå", zip: "903 28", phone: "090-555 01 01", website: "https://sundqvist.example"},
	{company: "Sundqvist Fastigheter AB", email: "ekonomi@sundqvist.example", name: "Göran Sundqvist", address: "Rådhusesplanaden 6", country: "Sweden", city: "Umeå", zip: "903 28", phone: "090-555 01 02", website: "https://sundqvist.example"},
	{company: "Gesellschaft für grenzüberschreitende Binnenschifffahrtslogistik, Lagerhaltung und Gefahrgutberatung an Rhein, Mosel und Saar mbH & Co. KG", email: "post@binnenschiff.example", name: "Käthe von der Heide", address: "Rheinufer 2", country: "Germany", city: "Koblenz", zip: "56068", phone: "0261/5550-0", website: "https://binnenschiff.example"},
	{company: "50% Off Outlet S.A.", email: "50%off/kontakt@outlet.example", name: "Paweł Zając", address: "ul. Piotrkowska 50", country: "Poland", city: "Łódź", zip: "90-265", phone: "+48 42 555 01 50", website: "https://outlet.example"},
	{company: "Bröderna Öberg Åkeri HB", email: "björn.öberg@oberg.example", name: "Björn Öberg", address: "Järnvägsgatan 9", country: "Sweden", city: "Örebro", zip: "702 10", phone: "0046701740644", website: "https://oberg.example"},
	{company: `Fonderie "La Belle Rive" SAS`, email: "contact@belle-rive.example", name: "Noël D'Aubigné", address: "3 boulevard Gambetta", country: "France", city: "Nîmes", zip: "30000", phone: "+33 4 65 71 00 42", website: "https://belle-rive.example"},
}
